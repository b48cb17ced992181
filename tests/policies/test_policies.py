"""Policies that are named by a path: they learn, and come back from disk as they were."""

import importlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from algorithms_for_tests import (
    ALGORITHMS,
    EXTRACTOR,
    SHARED_OR_NOT,
    actor_extractor,
    critic_extractor,
    find_class,
    make,
)
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import DQN, PPO

from rl_attention import AttentionExtractor, MLPExtractor, UniformExtractor, policies
from rl_attention.errors import UserError

SPACE = SPACES["everything"]
NAMES = sorted({algorithm.policy for algorithm in ALGORITHMS.values()})


def observations(space, count=12):
    space.seed(7)
    samples = [space.sample() for _ in range(count)]
    if not isinstance(samples[0], dict):
        return np.stack(samples)
    return {key: np.stack([sample[key] for sample in samples]) for key in samples[0]}


def actions(model_or_policy):
    given = observations(model_or_policy.observation_space)
    return model_or_policy.predict(given, deterministic=True)[0]


@pytest.mark.parametrize(("name", "share"), SHARED_OR_NOT)
def test_learns_and_comes_back_from_disk(name, share, tmp_path):
    model = make(name, share=share)
    model.learn(48)
    expected = actions(model)
    model.save(tmp_path / "model")
    model.policy.save(tmp_path / "policy.pth")
    loaded = find_class(name).load(tmp_path / "model", device="cpu")
    policy = type(model.policy).load(tmp_path / "policy.pth", device="cpu")
    for other in (loaded.policy, policy):
        assert type(other) is type(model.policy)
        np.testing.assert_array_equal(actions(other), expected)
        if share is not None:
            assert (critic_extractor(other) is actor_extractor(other)) is share
    again = tmp_path / "again.pth"
    policy.save(again)
    np.testing.assert_array_equal(actions(type(policy).load(again, device="cpu")), expected)


@pytest.mark.parametrize("name", ["PPO", "DQN", "SAC", "RecurrentPPO"])
def test_a_box_of_entities_will_do(name, tmp_path):
    model = make(name, "bounded matrix")
    model.learn(32)
    model.save(tmp_path / "model")
    loaded = find_class(name).load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(actions(loaded), actions(model))


def test_separate_extractors_act_and_value_apart_after_policy_load(tmp_path):
    model = make("PPO", share=False).learn(32)
    model.policy.save(tmp_path / "policy.pth")
    loaded = policies.AttentionActorCriticPolicy.load(tmp_path / "policy.pth", device="cpu")
    given = model.policy.obs_to_tensor(observations(SPACE))[0]
    for one, other in zip(
        (
            model.policy.get_distribution(given).distribution.logits,
            model.policy.predict_values(given),
        ),
        (loaded.get_distribution(given).distribution.logits, loaded.predict_values(given)),
        strict=True,
    ):
        np.testing.assert_array_equal(one.detach(), other.detach())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_plain_values_reach_the_extractor(name):
    extractor = {**EXTRACTOR, "n_blocks": 2, "score": "additive", "pooling": "mean"}
    model = make(name, extractor=extractor)
    found = actor_extractor(model.policy)
    assert type(found) is AttentionExtractor
    assert found.features_dim == 12
    alone = AttentionExtractor(model.observation_space, **extractor)
    shapes = {key: value.shape for key, value in alone.state_dict().items()}
    assert {key: value.shape for key, value in found.state_dict().items()} == shapes


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_pickled_by_one_path_for_ever(name):
    if ALGORITHMS["TQC"].package not in sys.modules and not hasattr(policies.core, name):
        find_class("TQC")
    cls = getattr(policies, name)
    assert (cls.__module__, cls.__qualname__) == ("rl_attention.policies", name)
    assert pickle.loads(pickle.dumps(cls)) is cls
    assert cls.__doc__


def test_every_policy_is_named():
    assert policies.__all__ == [*NAMES, "scale_value_head"]


@pytest.mark.parametrize(
    ("given", "found"),
    [("uniform", UniformExtractor), ("mlp", MLPExtractor), (MLPExtractor, MLPExtractor)],
)
def test_a_control_arm_is_one_word(given, found, tmp_path):
    extractor = {"width": 16, "features_dim": 12}
    model = make("PPO", extractor=extractor, features_extractor_class=given).learn(16)
    assert type(model.policy.features_extractor) is found
    model.save(tmp_path / "model")
    loaded = PPO.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(actions(loaded), actions(model))


def kwargs(**extractor):
    return {"features_extractor_kwargs": extractor}


@pytest.mark.parametrize(
    ("policy_kwargs", "message"),
    [
        (kwargs(n_head=4), "got n_head=4; did you mean 'n_heads'"),
        (kwargs(zzz=4), "of AttentionExtractor, got zzz=4; it takes features_dim, width, n_heads"),
        (kwargs(n_heads="4"), "features_extractor_kwargs: n_heads must be a whole number"),
        (kwargs(n_heads=5), "features_extractor_kwargs: .*5"),
        (kwargs(score="addition"), "features_extractor_kwargs: .*'addition'"),
        (kwargs(scope="local"), "name the columns that hold"),
        ({"features_extractor_kwargs": "dict(n_heads=4)"}, "expected a dict of options"),
        ({"n_heads": 4}, r"write features_extractor_kwargs=dict\(n_heads=4\)"),
        ({"net_archs": [64]}, "of ActorCriticPolicy, got net_archs=.*did you mean 'net_arch'"),
        (
            {"features_extractor_class": "uniform", **kwargs(n_head=4)},
            "features_extractor_kwargs: .* unexpected keyword argument 'n_head'",
        ),
        ({"features_extractor_class": "mpl"}, "got 'mpl'; did you mean 'mlp'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(policy_kwargs, message):
    policy = policies.AttentionActorCriticPolicy
    with pytest.raises(UserError, match=message) as caught:
        PPO(policy, SampleEnv(SPACE), policy_kwargs=policy_kwargs, device="cpu")
    assert "\n" not in str(caught.value)


def test_what_a_policy_cannot_do_is_said():
    share = {"share_features_extractor": False}
    with pytest.raises(UserError, match="expected options of DQNPolicy, got share_features_extr"):
        DQN(policies.AttentionDQNPolicy, SampleEnv(SPACE), policy_kwargs=share, device="cpu")


def test_a_subclass_with_options_of_its_own_works():
    class Scaled(policies.AttentionActorCriticPolicy):
        def __init__(self, *args, scale=1.0, **options):
            super().__init__(*args, **options)
            self.scale = scale

    model = PPO(Scaled, SampleEnv(SPACE), n_steps=16, batch_size=16, policy_kwargs={"scale": 2.0})
    assert model.learn(16).policy.scale == 2.0


def test_without_sb3_contrib_one_line_says_so():
    code = """
import sys
sys.modules["sb3_contrib"] = None
from rl_attention.policies import AttentionDQNPolicy
from rl_attention import policies
try:
    policies.AttentionTQCPolicy
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert "AttentionTQCPolicy: expected the package sb3-contrib" in done.stdout
    assert "pip install 'rl-attention[contrib]'" in done.stdout


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'AttentionPPOPolicy'"):
        _ = policies.AttentionPPOPolicy
    with pytest.raises(ImportError):
        importlib.import_module("rl_attention.policies.ppo")
