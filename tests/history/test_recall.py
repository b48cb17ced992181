"""A cue in the first frame decides what is right six steps later: who sees the past learns it."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor
from rl_attention.history import HistoryRolloutBuffer, HistoryVecEnv

CUE, NOISE, QUESTION = 0, 1, 2
DELAY, N_ENVS = 6, 16


class Recall(gym.Env):
    """Row 0 is the cue, noise, or the question; its second column is the colour, hidden by then."""

    observation_space = spaces.Dict(
        entities=spaces.Box(0, 2, (2, 2), np.int8), mask=spaces.MultiBinary(2)
    )
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.colour, self.left = int(self.np_random.integers(2)), DELAY
        return self._look(CUE, self.colour), {}

    def step(self, action):
        self.left -= 1
        if self.left < 0:
            right = float(action == self.colour)
            return self._look(NOISE, 0), right, True, False, {"is_success": bool(right)}
        kind = QUESTION if self.left == 0 else NOISE
        return self._look(kind, int(self.np_random.integers(2))), 0.0, False, False, {}

    def _look(self, kind, colour):
        colour = 2 if kind == QUESTION else colour
        return {
            "entities": np.array([[kind, colour]] * 2, np.int8),
            "mask": np.array([1, 0], np.int8),
        }


def share_of_right_answers(n_frames, way, n_steps=28_000):
    env = HistoryVecEnv(DummyVecEnv([Recall] * N_ENVS), n_frames)
    options = {"width": 16, "n_heads": 2, "feedforward": 32, "features_dim": 32, "frames": way}
    model = PPO(
        "MultiInputPolicy",
        env,
        n_steps=35,
        batch_size=140,
        n_epochs=4,
        learning_rate=3e-3,
        ent_coef=0.01,
        seed=0,
        device="cpu",
        rollout_buffer_class=HistoryRolloutBuffer,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": options,
            "net_arch": [32],
        },
    )
    model.learn(n_steps)
    seen, right = env.reset(), []
    for _ in range(10 * (DELAY + 1)):
        actions, _ = model.predict(seen, deterministic=True)
        seen, _, dones, infos = env.step(actions)
        right += [infos[i]["is_success"] for i in np.flatnonzero(dones)]
    assert len(right) == 10 * N_ENVS
    return np.mean(right)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["entities", "summary"])
def test_who_sees_the_cue_recalls_it(way):
    assert share_of_right_answers(8, way) > 0.95


@pytest.mark.slow
def test_who_sees_now_alone_guesses():
    assert share_of_right_answers(1, "entities") < 0.7
