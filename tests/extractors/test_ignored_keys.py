"""Keys that are not read: for every arm it is as if the observation did not have them."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from history_for_tests import Parade
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import PPO
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor, load_extractor, save_extractor
from rl_attention.errors import UserError
from rl_attention.extractors import EXTRACTORS
from rl_attention.history import HistoryVecEnv
from rl_attention.tokenizers import TokenOptions, read_schema

EVERYTHING = SPACES["everything"]
BARE = spaces.Dict(
    {key: part for key, part in EVERYTHING.items() if not key.startswith(("mission", "speed"))}
)
IGNORED = ["mission", "speed"]
CELLS = spaces.Dict({**SPACES["cells"].spaces, "mission": EVERYTHING["mission"]})


def observe(space, count, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(count)]
    stacked = {key: torch.as_tensor(np.stack([s[key] for s in samples])) for key in samples[0]}
    return preprocess_obs(stacked, space)


def build(arm, space, **options):
    torch.manual_seed(0)
    return EXTRACTORS[arm](space, features_dim=12, **options)


@pytest.mark.parametrize("arm", EXTRACTORS)
@pytest.mark.parametrize("rows", [3, 600])  # equal observations of large batches are merged
def test_features_are_those_of_the_space_without_them(arm, rows):
    whole, bare, ignored = EVERYTHING, BARE, IGNORED
    if arm == "cnn":
        whole, bare, ignored = CELLS, SPACES["cells"], ["mission"]
    without = build(arm, bare)
    ignoring = build(arm, whole, ignored_keys=ignored)
    ignoring.load_state_dict(without.state_dict())
    seen = observe(whole, rows)
    expected = without({key: seen[key] for key in bare.spaces})
    assert torch.equal(ignoring(seen), expected)
    other = {**seen, "mission": seen["mission"] * 0 + 3}
    assert torch.equal(ignoring(other), expected)
    assert not torch.equal(build(arm, whole)(other), build(arm, whole)(seen))


def test_views_that_differ_in_them_alone_are_merged():
    space = spaces.Dict({key: part for key, part in EVERYTHING.items() if key != "speed"})
    seen = observe(space, 600)
    same = {key: part[:1].expand_as(part) for key, part in seen.items()}
    extractor = build("attention", space, ignored_keys=["mission"])
    calls = []
    features = extractor.features

    def counted(tokens):
        calls.append(tokens.entities.layout.n_rows)
        return features(tokens)

    extractor.features = counted
    extractor({**same, "mission": seen["mission"], "mission_mask": seen["mission_mask"]})
    assert calls == [1]


def test_the_mask_goes_with_its_key():
    schema = read_schema(EVERYTHING, TokenOptions(ignored_keys=["mission"]))
    assert schema.ignored == {"mission", "mission_mask"}
    assert schema.words_space is None
    assert set(schema.global_spaces) == {"walls", "direction", "carrying", "speed"}
    alone = read_schema(EVERYTHING, TokenOptions(ignored_keys=["mission_mask"]))
    assert alone.words_space == EVERYTHING["mission"]


def test_one_of_two_sets_may_be_left_out():
    space = spaces.Dict(entities=EVERYTHING["entities"], cells=SPACES["cells"]["cells"])
    (found,) = read_schema(space, TokenOptions(ignored_keys=["cells"])).sets
    assert found.key == "entities"


@pytest.mark.parametrize(
    ("space", "keys", "message"),
    [
        (EVERYTHING, ["missions"], "ignored_keys: expected keys of the observation, .*'missions'"),
        (SPACES["matrix"], ["mission"], "ignored_keys: expected none, without a Dict, got"),
        (EVERYTHING, "mission", r"ignored_keys: expected a list of different keys"),
        (EVERYTHING, ["mission", "mission"], r"ignored_keys: expected a list of different keys"),
        (EVERYTHING, ["entities"], "expected exactly one of the observation keys"),
        (EVERYTHING, ["mask"], "got 'mask', without which what is no part of 'entities'"),
    ],
)
def test_what_cannot_be_left_out(space, keys, message):
    with pytest.raises(UserError, match=message):
        AttentionExtractor(space, ignored_keys=keys)


FRAMES = HistoryVecEnv(DummyVecEnv([Parade]), 3).observation_space
STEPS = ["frames_steps"]
COMPANIONS = ["frames_actions", "frames_rewards", "frames_steps"]


@pytest.mark.parametrize(
    ("keys", "frames", "says"),
    [
        (["frames_mask"], "entities", "got 'frames_mask'"),
        (STEPS, "entities", "got 'frames_steps'"),
        (STEPS, "summary", "got 'frames_steps'"),
        (COMPANIONS, "newest", "got 'frames_steps'"),
        (COMPANIONS, "entities", None),  # no token stands for a step
    ],
)
def test_steps_before_the_episode_are_never_read_as_real(keys, frames, says):
    if says is None:
        AttentionExtractor(FRAMES, frames=frames, ignored_keys=keys)
        return
    with pytest.raises(UserError, match=says):
        AttentionExtractor(FRAMES, frames=frames, ignored_keys=keys)


def test_a_key_called_mask_may_be_left_out_where_it_is_none():
    actions = spaces.Dict(entities=SPACES["matrix"], mask=spaces.MultiBinary(3))
    assert read_schema(actions, TokenOptions(ignored_keys=["mask"])).sets[0].mask_key is None
    flagged = spaces.Dict(
        entities=SPACES["matrix"], mask=spaces.MultiBinary(SPACES["matrix"].shape[0])
    )
    read_schema(flagged, TokenOptions(ignored_keys=["mask"], presence_column=0))


def test_who_reads_words_needs_them():
    with pytest.raises(UserError, match=r"attention: .*entities_to_words"):
        AttentionExtractor(EVERYTHING, attention="entities_to_words", ignored_keys=["mission"])


def test_training_saving_and_loading(tmp_path):
    options = {"width": 8, "n_heads": 2, "feedforward": 8, "features_dim": 8}
    model = PPO(
        "MultiInputPolicy",
        SampleEnv(EVERYTHING),
        n_steps=16,
        batch_size=16,
        seed=0,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {**options, "ignored_keys": IGNORED},
        },
    )
    model.learn(32)
    model.save(tmp_path / "model")
    again = PPO.load(tmp_path / "model", device="cpu")
    EVERYTHING.seed(1)
    seen = EVERYTHING.sample()
    assert model.predict(seen, deterministic=True)[0] == again.predict(seen, deterministic=True)[0]

    mine = model.policy.features_extractor
    save_extractor(mine, tmp_path / "e.safetensors")
    fresh = AttentionExtractor(EVERYTHING, **options, ignored_keys=IGNORED)
    load_extractor(tmp_path / "e.safetensors", fresh)
    batch = observe(EVERYTHING, 4)
    assert torch.equal(fresh(batch), mine(batch))
    reading = AttentionExtractor(EVERYTHING, **options)
    with pytest.raises(UserError, match="ignored_keys"):
        load_extractor(tmp_path / "e.safetensors", reading)
