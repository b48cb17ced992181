"""What features of past frames depend on, and that every algorithm learns from them."""

import copy

import numpy as np
import pytest
import torch
from history_for_tests import Parade
from spaces_for_tests import SPACES
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.extractors import EXTRACTORS, match_parameters
from rl_attention.history import HistoryVecEnv
from rl_attention.nn import full_layout

ATTENTION = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}
PLAIN = {"width": 16, "features_dim": 12}
ARMS = {"attention": ATTENTION, "uniform": ATTENTION, "mlp": PLAIN}
WAYS = ("entities", "newest", "summary")
SPACE = SPACES["past frames"]
MEMBERS = (
    {},
    {"attention": "ego"},
    {"attention": "latent"},
    {"position": "relative"},
    {"position": "sinusoidal"},
    {"scope": "local", "radius": 1},
    {"scope": "local", "radius": 1, "position": "relative"},
    {"block": "gtrxl"},
    {"block": "relational"},
)
CASES = [("attention", member) for member in MEMBERS] + [("uniform", {}), ("mlp", {})]


def parades(n_frames=4, lengths=((3, 9), (2,), (20,))):
    made = [lambda n=n, some=some: Parade(n, some) for n, some in enumerate(lengths)]
    return HistoryVecEnv(DummyVecEnv(made), n_frames)


def observe(env, n_steps=12):
    env.action_space.seed(0)
    seen = [env.reset()]
    for _ in range(n_steps):
        seen.append(env.step(np.array([env.action_space.sample() for _ in range(env.num_envs)]))[0])
    return {key: np.concatenate([one[key] for one in seen]) for key in seen[0]}


def extractor_of(arm, way, member=None, space=None):
    torch.manual_seed(0)
    options = {**ARMS[arm], **(member or {}), "frames": way}
    return EXTRACTORS[arm](parades().observation_space if space is None else space, **options)


def features_of(extractor, seen):
    with torch.no_grad():
        return extractor({key: torch.as_tensor(value).float() for key, value in seen.items()})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("arm", "member"), CASES)
def test_features_depend_on_no_padding_and_nothing_before_the_episode(arm, member, way):
    extractor, seen = extractor_of(arm, way, member), observe(parades())
    rubbish = copy.deepcopy(seen)
    gone = seen["frames_steps"] == 0
    assert gone.any()
    rubbish["frames"][seen["frames_mask"] == 0] = 77
    rubbish["frames_actions"][gone] = 3
    rubbish["frames_rewards"][gone] = 1e9
    expected = features_of(extractor, seen)
    torch.testing.assert_close(features_of(extractor, rubbish), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("arm", "member"), CASES)
def test_features_depend_on_the_order_of_steps_and_not_on_that_of_rows(arm, member, way):
    extractor, seen = extractor_of(arm, way, member), observe(parades())
    turned = {k: v[..., ::-1, :] if k == "frames" else v for k, v in seen.items()}
    turned["frames_mask"] = seen["frames_mask"][..., ::-1]
    turned = {key: np.ascontiguousarray(value) for key, value in turned.items()}
    expected = features_of(extractor, seen)
    if arm != "mlp" or way == "summary":  # a slot of its own for every row
        torch.testing.assert_close(features_of(extractor, turned), expected, atol=1e-5, rtol=0)
    backwards = {
        key: np.ascontiguousarray(value[:, ::-1]) if key.startswith("frames") else value
        for key, value in seen.items()
    }
    full = seen["frames_steps"].all(axis=1)
    apart = (features_of(extractor, backwards) - expected).abs().amax(dim=1)
    if extractor_reads_order(arm, member):
        assert (apart[full] > 1e-5).all()


def extractor_reads_order(arm, member):
    """Whether the place of a step reaches the features: not by scores alone where all are equal."""
    return arm != "uniform" or member.get("position") != "relative"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arm", ARMS)
def test_a_large_batch_gives_what_each_observation_gives_alone(arm, way):
    seen = observe(parades(), n_steps=20)
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(seen["frames"]), 640)
    many = {key: value[chosen] for key, value in seen.items()}
    extractor = extractor_of(arm, way)
    assert not extractor.tokenizer.symbolic  # rewards are numbers
    alone = features_of(extractor, seen)[chosen]
    torch.testing.assert_close(features_of(extractor, many), alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_without_rewards_equal_observations_are_computed_once(way):
    seen = observe(parades(), n_steps=20)
    del seen["frames_rewards"]
    space = parades().observation_space
    del space.spaces["frames_rewards"]
    extractor = extractor_of("attention", way, space=space)
    assert extractor.tokenizer.symbolic
    chosen = np.random.default_rng(0).integers(0, len(seen["frames"]), 640)
    many = {key: value[chosen] for key, value in seen.items()}
    alone = features_of(extractor, seen)[chosen]
    torch.testing.assert_close(features_of(extractor, many), alone, atol=1e-5, rtol=0)


def test_words_are_read_beside_past_frames():
    space = parades().observation_space
    for attention in ("entities_to_words", "words_to_entities"):
        for way in WAYS:
            extractor = extractor_of("attention", way, {"attention": attention}, space)
            assert features_of(extractor, observe(parades())).isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_control_arms_have_as_many_parameters(way):
    space, reference = parades(8).observation_space, {"width": 32, "frames": way}
    for arm in ("uniform", "mlp"):
        options = match_parameters(arm, space, reference)
        assert options["frames"] == way
        assert EXTRACTORS[arm](space, **options).tokenizer.options.frames == way


@pytest.mark.parametrize("way", WAYS)
def test_convolutions_have_nothing_to_do_here(way):
    with pytest.raises(UserError, match="cnn arm needs a grid of cells of 5 x 5 or more"):
        EXTRACTORS["cnn"](SPACE, frames=way)


@pytest.mark.parametrize("arm", ["attention", "uniform", "mlp", "cnn"])
def test_a_summary_of_what_is_no_past_is_refused(arm):
    with pytest.raises(UserError, match="frames: 'summary' needs past frames of entities"):
        EXTRACTORS[arm](SPACES["cells"], frames="summary")


def test_frames_have_a_place_of_their_own():
    with pytest.raises(UserError, match="place_columns: 'frames' have a place of their own"):
        AttentionExtractor(SPACE, place_columns=(0,))
    with pytest.raises(ValueError, match="radius must be at least 1 for 'frames'"):
        AttentionExtractor(SPACE, scope="local", radius=0.5)


def test_a_radius_counts_steps():
    seen = observe(parades(4, [(20,)]))
    seen = {key: value[6:7] for key, value in seen.items()}
    member = {"scope": "local", "radius": 1, "n_blocks": 1}
    extractor = extractor_of("attention", "entities", member)
    tokens = extractor.tokenizer({k: torch.as_tensor(v).float() for k, v in seen.items()})
    reading = extractor.relations(
        full_layout(1, 1, tokens.places.device), tokens.entities.layout, places=tokens.places
    )
    ages = torch.cat([tokens.places.new_full((1, 1), -1), tokens.places])[:, 0]
    far = (ages[reading.query] - ages[reading.key]).abs()
    placed = (ages[reading.query] >= 0) & (ages[reading.key] >= 0)
    assert far[placed].max() == 1
    assert len(far) > placed.sum() > 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN])
def test_learns_saves_and_acts_alike(algorithm, way, tmp_path):
    sizes = {"n_steps": 8}
    if algorithm is PPO:
        sizes |= {"batch_size": 12, "n_epochs": 2}
    if algorithm is DQN:
        sizes = {"buffer_size": 90, "learning_starts": 12, "batch_size": 8, "train_freq": 2}
    policy_kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": {**ATTENTION, "frames": way},
        "net_arch": [8],
    }
    made = {"seed": 0, "device": "cpu", "policy_kwargs": policy_kwargs}
    model = algorithm("MultiInputPolicy", parades(), **made, **sizes)
    before = [value.detach().clone() for value in model.policy.parameters()]
    model.learn(72)
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters(), strict=True))
    seen = observe(parades())
    model.save(tmp_path / "model")
    loaded = algorithm.load(tmp_path / "model", device="cpu")
    first, _ = model.predict(seen, deterministic=True)
    second, _ = loaded.predict(seen, deterministic=True)
    np.testing.assert_array_equal(first, second)
