"""Advantages with a floor: large ones as SB3 has them, noise left small."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces_for_tests import SPACES
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from worlds_for_tests import MaskedEnv

from rl_attention import AttentionExtractor
from rl_attention.callbacks import AdvantageFloorCallback
from rl_attention.errors import UserError

SPACE = SPACES["everything"]
ON_POLICY = {"PPO": "stable_baselines3", "A2C": "stable_baselines3", "TRPO": "sb3_contrib"}
ON_POLICY |= {"MaskablePPO": "sb3_contrib", "RecurrentPPO": "sb3_contrib"}


class Watch(BaseCallback):
    """Keeps the advantages of each rollout, as they are when it is asked."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def _on_rollout_end(self):
        self.seen.append(self.model.rollout_buffer.advantages.copy())

    def _on_step(self):
        return True


def make(name, **settings):
    package = pytest.importorskip(ON_POLICY[name])
    cls = getattr(importlib.import_module(package.__name__), name)
    policy = "MultiInputLstmPolicy" if name == "RecurrentPPO" else "MultiInputPolicy"
    minibatch = {} if name == "A2C" else {"batch_size": 16}
    kwargs = {"features_extractor_class": AttentionExtractor}
    kwargs["features_extractor_kwargs"] = {"width": 8, "n_heads": 2, "features_dim": 8}
    shared = {"n_steps": 16, "seed": 0, "device": "cpu", "policy_kwargs": kwargs}
    return cls(policy, MaskedEnv(SPACE), **shared, **minibatch, **settings)


def watched(name, callback):
    """Advantages of a rollout before and after a callback."""
    before, after = Watch(), Watch()
    make(name, normalize_advantage=False).learn(16, callback=[before, callback, after])
    return before.seen[0].astype(np.float64), after.seen[0].astype(np.float64)


@pytest.mark.parametrize("name", ON_POLICY)
@pytest.mark.parametrize("floor", [1e-6, 1e6])
def test_divides_by_the_deviation_or_by_the_floor(name, floor):
    plain, scaled = watched(name, AdvantageFloorCallback(floor))
    assert plain.std() > 0
    expected = (plain - plain.mean()) / max(plain.std(), floor)
    np.testing.assert_allclose(scaled, expected, rtol=1e-4, atol=1e-6)
    # above the floor a deviation of 1, far below it next to nothing
    assert scaled.std() == pytest.approx(1.0, rel=1e-4) if floor < 1 else scaled.std() < 1e-4


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10.0))
def test_above_the_floor_the_unit_of_the_reward_has_no_effect(spread, unit):
    floor = 1e-6
    plain = np.linspace(-1, 1, 12).reshape(4, 3) ** 3 * spread
    scaled = [scale(part, floor).rollout_buffer.advantages for part in (plain, plain * unit)]
    np.testing.assert_allclose(scaled[0], scaled[1], rtol=1e-3, atol=1e-5)


def scale(advantages, floor):
    """A model that does not learn, with these advantages in its buffer, scaled."""
    model = make("PPO", normalize_advantage=False)
    model._setup_learn(16)
    callback = AdvantageFloorCallback(floor)
    callback.init_callback(model)
    model.rollout_buffer.advantages = advantages.astype(np.float32)
    callback.on_rollout_end()
    return model


def test_it_is_logged_how_large_they_were():
    model = scale(np.array([[1.0], [-1.0], [3.0], [-3.0]]), 0.01)
    assert model.logger.name_to_value["train/advantage_std"] == pytest.approx(5**0.5)


@pytest.mark.parametrize("floor", [0, -1.0, float("inf"), float("nan"), True, "0.1", None])
def test_a_floor_is_a_number_above_zero(floor):
    with pytest.raises(UserError, match=r"^floor: expected"):
        AdvantageFloorCallback(floor)


def test_who_scales_already_or_has_no_advantages_is_refused():
    with pytest.raises(UserError, match="PPO scales advantages itself"):
        make("PPO").learn(16, callback=AdvantageFloorCallback())
    model = DQN("MultiInputPolicy", MaskedEnv(SPACE), buffer_size=100, device="cpu")
    with pytest.raises(UserError, match="expected an on-policy algorithm, got DQN"):
        model.learn(4, callback=AdvantageFloorCallback())
