"""What every extractor must keep inside Stable-Baselines3."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from spaces_for_tests import SPACES, SampleEnv, first_ratio, policy_for
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.extractors import EXTRACTORS, count_parameters, match_parameters

OPTIONS = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}


def options_for(arm):
    shared = {"width": 16, "features_dim": 12}
    return OPTIONS if arm in ("attention", "uniform") else shared


PAIRS = [
    (arm, name) for arm in EXTRACTORS for name in SPACES if arm != "cnn" or name.startswith("cells")
]


def make(algorithm, arm, name, **kwargs):
    if algorithm is DQN:
        kwargs = {"buffer_size": 200, "learning_starts": 16, **kwargs}
    else:
        kwargs = {"n_steps": 16, **kwargs}
    if algorithm is PPO:
        kwargs = {"batch_size": 16, "n_epochs": 2, **kwargs}
    policy_kwargs = {
        "features_extractor_class": EXTRACTORS[arm],
        "features_extractor_kwargs": options_for(arm),
        **kwargs.pop("policy_kwargs", {}),
    }
    return algorithm(
        policy_for(SPACES[name]),
        SampleEnv(SPACES[name]),
        seed=0,
        device="cpu",
        policy_kwargs=policy_kwargs,
        **kwargs,
    )


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN])
@pytest.mark.parametrize(("arm", "name"), PAIRS)
def test_trains_saves_and_loads(algorithm, arm, name, tmp_path):
    model = make(algorithm, arm, name).learn(32)
    model.save(tmp_path / "model")
    loaded = algorithm.load(tmp_path / "model", device="cpu")
    observations = model.get_env().reset()
    first, _ = model.predict(observations, deterministic=True)
    second, _ = loaded.predict(observations, deterministic=True)
    assert (first == second).all()


@pytest.mark.parametrize(("arm", "name"), PAIRS)
@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_starts_alike_alone_and_inside_every_algorithm(algorithm, arm, name):
    made = make(algorithm, arm, name)
    inside = made.policy.features_extractor if algorithm is PPO else made.q_net.features_extractor
    before = {n: p.clone() for n, p in inside.named_parameters()}
    # the re-initialisation that PPO and A2C run over an extractor leaves it alone
    inside.apply(lambda m: made.policy.init_weights(m, gain=2**0.5))
    assert all(torch.equal(before[n], p) for n, p in inside.named_parameters())


@pytest.mark.parametrize(("arm", "name"), PAIRS)
def test_every_parameter_of_an_extractor_is_used(arm, name):
    torch.manual_seed(0)
    model = make(PPO, arm, name)
    extractor = model.policy.features_extractor
    space = model.observation_space
    space.seed(1)
    batch = [space.sample() for _ in range(64)]
    observations = (
        {k: np.stack([b[k] for b in batch]) for k in batch[0]}
        if isinstance(batch[0], dict)
        else np.stack(batch)
    )
    features = model.policy.extract_features(model.policy.obs_to_tensor(observations)[0])
    (features * torch.randn_like(features)).sum().backward()
    missing = [n for n, p in extractor.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in missing if not n.endswith("key.bias")] == []


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize(("arm", "name"), PAIRS)
def test_ratio_is_one_at_the_first_minibatch(arm, name, separate):
    shared = {"share_features_extractor": not separate}
    model = make(PPO, arm, name, n_epochs=1, policy_kwargs=shared)
    ratio = first_ratio(model)
    torch.testing.assert_close(ratio, torch.ones_like(ratio), atol=1e-5, rtol=0)


@pytest.mark.parametrize("arm", ["attention", "uniform"])
def test_order_and_padding_change_no_action(arm):
    name = "entities and mask"
    model = make(PPO, arm, name)
    space = SPACES[name]
    space.seed(3)
    rng = np.random.default_rng(0)
    for _ in range(20):
        observation = space.sample()
        order = rng.permutation(len(observation["mask"]))
        shuffled = {key: value[order] for key, value in observation.items()}
        rubbish = {
            "entities": np.where(
                shuffled["mask"][:, None] == 1, shuffled["entities"], rng.choice([1e30, -7.0])
            ).astype(np.float32),
            "mask": shuffled["mask"],
        }
        policy = model.policy
        expected = policy.get_distribution(policy.obs_to_tensor(observation)[0]).distribution.logits
        for other in (shuffled, rubbish):
            got = policy.get_distribution(policy.obs_to_tensor(other)[0]).distribution.logits
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
            action, _ = model.predict(other, deterministic=True)
            assert action == model.predict(observation, deterministic=True)[0]


def test_works_without_options_on_entities_and_mask():
    env = SampleEnv(SPACES["entities and mask"])
    policy_kwargs = {"features_extractor_class": AttentionExtractor}
    PPO("MultiInputPolicy", env, n_steps=16, batch_size=16, policy_kwargs=policy_kwargs).learn(16)


def test_an_extra_axis_from_the_rollout_buffer_changes_nothing():
    space = SPACES["everything"]
    torch.manual_seed(0)
    extractor = AttentionExtractor(space, **OPTIONS)
    space.seed(0)
    sample = {k: torch.as_tensor(v)[None] for k, v in space.sample().items()}
    flat = preprocess_obs(sample, space)
    spare = {k: v[:, None] if k == "direction" else v for k, v in flat.items()}
    assert spare["direction"].shape == (1, 1, 4)
    assert torch.equal(extractor(flat), extractor(spare))


def test_an_all_padding_batch_is_finite():
    space = SPACES["everything"]
    extractor = AttentionExtractor(space, **OPTIONS)
    space.seed(0)
    sample = {k: torch.as_tensor(np.zeros_like(v))[None] for k, v in space.sample().items()}
    features = extractor(preprocess_obs(sample, space))
    features.sum().backward()
    assert features.isfinite().all()


@pytest.mark.parametrize(("arm", "name"), PAIRS)
def test_control_arms_match_the_parameters_of_attention(arm, name):
    space = make(PPO, "attention", name).observation_space
    target = count_parameters(AttentionExtractor(space))
    state = torch.get_rng_state()
    options = match_parameters(arm, space, {"width": 64, "n_heads": 4})
    assert torch.equal(state, torch.get_rng_state())
    got = count_parameters(EXTRACTORS[arm](space, **options))
    assert abs(got - target) <= 0.05 * target


def test_a_control_arm_without_a_size_to_change_is_refused():
    with pytest.raises(UserError, match="uniform arm cannot match the"):
        match_parameters("uniform", SPACES["matrix"], {"n_blocks": 0, "width": 64})


def test_a_symbol_out_of_bounds_is_named():
    space = SPACES["everything"]
    extractor = AttentionExtractor(space, **OPTIONS)
    space.seed(0)
    sample = {k: torch.as_tensor(v)[None] for k, v in space.sample().items()}
    observations = preprocess_obs(sample, space)
    observations["mask"][:] = 1.0
    observations["entities"][:, :, 0] = 99.0
    with pytest.raises(ValueError, match="'entities' holds a symbol outside the bounds"):
        extractor(observations)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("discrete", "needs a Dict or Box observation space, got Discrete"),
        ("vector", "a Box of shape"),
        ("no set", "expected exactly one of the observation keys entities, cells, pixels"),
        ("short mask", "one number for each of the 6 tokens"),
        ("huge", "'camera' has 30000 numbers"),
        ("text", "no vector can be made of the space"),
        ("patch", "patch_size must divide the image"),
        ("grid for cnn", "the cnn arm needs a grid of cells"),
    ],
)
def test_spaces_without_a_set_are_refused_in_one_line(space, message):
    entities = SPACES["entities and mask"].spaces
    given = {
        "discrete": spaces.Discrete(3),
        "vector": spaces.Box(0, 1, (4,)),
        "no set": spaces.Dict(position=spaces.Box(0, 1, (4,))),
        "short mask": spaces.Dict(entities=entities["entities"], mask=spaces.MultiBinary(3)),
        "huge": spaces.Dict(**entities, camera=spaces.Box(0, 1, (100, 100, 3))),
        "text": spaces.Dict(**entities, note=spaces.Text(5)),
        "patch": spaces.Box(0, 255, (3, 20, 20), np.uint8),
        "grid for cnn": SPACES["entities and mask"],
    }[space]
    extractor = EXTRACTORS["cnn" if space == "grid for cnn" else "attention"]
    with pytest.raises(UserError, match=message) as caught:
        extractor(given)
    assert "\n" not in str(caught.value)
