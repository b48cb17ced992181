"""Every member of the family trains under every algorithm, and PPO's ratio starts at 1."""

import pytest
import torch
from spaces_for_tests import SPACES, SampleEnv, first_ratio
from stable_baselines3 import A2C, DQN, PPO

from rl_attention import AttentionExtractor, record
from rl_attention.combinations import POSITIONS, SCOPES
from rl_attention.nn import BLOCKS, MIXERS, POOLINGS, SCORES, WEIGHTS

PLACES = {"place_columns": (2, 3)}
MEMBERS = [
    *({"score": score, "weights": weights, "top_k": 2} for score in SCORES for weights in WEIGHTS),
    *({"attention": name} for name in MIXERS),
    *({"scope": name, **PLACES, "radius": 1} for name in SCOPES),
    *({"position": name, **PLACES} for name in POSITIONS if name != "learned"),
    *({"block": name, "n_blocks": 2} for name in BLOCKS),
    *({"pooling": name} for name in POOLINGS),
    *({"n_heads": heads} for heads in (1, 16)),
    {"n_blocks": 0},
]
SETTINGS = {
    PPO: {"n_steps": 16, "batch_size": 16, "n_epochs": 2},
    A2C: {"n_steps": 16},
    DQN: {"buffer_size": 200, "learning_starts": 16},
}


def make(algorithm, member, **changes):
    options = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12, **member}
    policy_kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": options,
    }
    env = SampleEnv(SPACES["everything"])
    settings = {**SETTINGS[algorithm], **changes}
    return algorithm(
        "MultiInputPolicy", env, seed=0, device="cpu", policy_kwargs=policy_kwargs, **settings
    )


def name_of(member):
    return "-".join(str(value) for key, value in member.items() if key != "place_columns")


@pytest.mark.parametrize("member", MEMBERS, ids=name_of)
@pytest.mark.parametrize("algorithm", SETTINGS)
def test_trains_and_is_recorded(algorithm, member):
    model = make(algorithm, member).learn(32)
    observations = {key: value[:1] for key, value in model.get_env().reset().items()}
    observations["mask"][:] = 1
    observations["mission_mask"][:] = 1
    maps = record(model, observations)
    attended = {segment for seen in maps.values() for segment in seen.keys}
    assert {"words", "entities"} <= attended
    for seen in maps.values():
        assert seen.n_heads == member.get("n_heads", 2)
        assert (abs(seen.weights.sum(axis=-1) - 1) < 1e-5).all()
        if member.get("weights") == "topk":
            assert ((seen.weights > 0).sum(axis=-1) == 2).all()


@pytest.mark.parametrize("member", MEMBERS, ids=name_of)
def test_ratio_is_one_at_the_first_minibatch(member):
    model = make(PPO, member, n_epochs=1)
    ratio = first_ratio(model)
    torch.testing.assert_close(ratio, torch.ones_like(ratio), atol=1e-5, rtol=0)


def test_dropout_trains_with_a_warning_that_names_ppo():
    with pytest.warns(UserWarning, match="dropout=0.3: .*PPO and TRPO"):
        model = make(PPO, {"dropout": 0.3})
    ratio = first_ratio(model)
    assert not torch.allclose(ratio, torch.ones_like(ratio), atol=1e-4)
    with pytest.warns(UserWarning, match="dropout"):
        make(DQN, {"dropout": 0.3}).learn(32)
