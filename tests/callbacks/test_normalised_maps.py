"""Which form of observations `record`, `draw` and the callback take behind `VecNormalize`."""

from pathlib import Path

import numpy as np
import pytest
from foreign_for_tests import ForeignEnv
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

from rl_attention import AttentionExtractor, AttentionMapCallback, ProbeSet, draw, record
from rl_attention.errors import UserError
from rl_attention.recording.normalize import as_seen

PAGE = Path(__file__).parents[2] / "docs" / "attaching.md"
SMALL = {"width": 8, "n_heads": 2, "feedforward": 8}


class FarEnv(ForeignEnv):
    """Numbers far from 0: normalising twice is not normalising once."""

    def _draw(self, space):
        return super()._draw(space) if space.dtype != np.float32 else 50 + super()._draw(space)


def make_model(kind="matrix", *, stacked=0, normalised=True, network=SMALL):
    env = make_vec_env(FarEnv, n_envs=2, seed=0, env_kwargs={"kind": kind})
    keys = ["entities"] if kind == "masked" else None
    env = VecNormalize(env, norm_reward=False, norm_obs_keys=keys) if normalised else env
    env = VecFrameStack(env, stacked) if stacked else env
    policy_kwargs = {
        "net_arch": [8],
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": network,
    }
    settings = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "device": "cpu", "seed": 0}
    policy = "MlpPolicy" if kind in ("matrix", "cells") else "MultiInputPolicy"
    return PPO(policy, env, policy_kwargs=policy_kwargs, **settings).learn(32)


def test_draw_takes_what_get_original_obs_gives():
    model = make_model()
    env = model.get_vec_normalize_env()
    env.training = False
    seen = env.reset()
    original = env.get_original_obs()
    np.testing.assert_allclose(as_seen(model, original), seen)
    maps = record(model, seen)
    for name, found in record(model, as_seen(model, original)).items():
        np.testing.assert_allclose(found.weights, maps[name].weights, atol=1e-6)


def test_a_normaliser_within_a_stack_is_left_alone():
    model = make_model(stacked=2, network=SMALL | {"n_stack": 2})
    seen = model.get_env().reset()
    assert np.array_equal(as_seen(model, seen), seen)


def test_the_forms_are_said():
    page = PAGE.read_text(encoding="utf-8")
    for text in (page, draw.__doc__, AttentionMapCallback.__doc__):
        assert "env.get_original_obs()" in text
        assert "VecFrameStack" in text
    assert "VecNormalize" in record.__doc__


WRONG = {
    "keys": (lambda o: {"a": o}, r"observations must be an array, got keys \['a'\]"),
    "one": (lambda o: o[0], "must be a batch of shape"),
    "empty": (lambda o: o[:0], "'observations' is empty"),
    "number": (lambda o: 3, "must be a batch of shape|'observations' is empty"),
}


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_one_line(change, message, normalised):
    model = make_model(normalised=normalised)
    with pytest.raises(UserError, match=message) as error:
        draw(model, change(np.zeros((2, 5, 3), np.float32)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("normalised", [False, True])
def test_an_array_is_no_dict(normalised):
    model = make_model("masked", normalised=normalised)
    with pytest.raises(UserError, match=r"must be a dict with keys \['entities', 'mask'\]"):
        draw(model, np.zeros((2, 5, 3), np.float32))


@pytest.mark.parametrize("normalised", [False, True])
def test_probes_that_do_not_fit_are_one_line(normalised, tmp_path):
    model = make_model(normalised=normalised)
    probes = ProbeSet({"a": np.zeros((2, 5, 3), np.float32)})
    with pytest.raises(UserError, match="observations must be an array"):
        model.learn(16, callback=AttentionMapCallback(probes, folder=tmp_path))
