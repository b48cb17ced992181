"""Hindsight replay: goals beside entities, in every algorithm that has a replay buffer."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from test_matrix import ALGORITHMS, SMALL, find_class

from rl_attention import AttentionExtractor, record

N = 5


class Reach(gym.Env):
    """A body moves among others towards a place; what was reached is known afterwards."""

    def __init__(self, continuous):
        self.action_space = spaces.Box(-1.0, 1.0, (2,)) if continuous else spaces.Discrete(4)
        place = spaces.Box(-2.0, 2.0, (2,))
        self.observation_space = spaces.Dict(
            observation=spaces.Box(-2.0, 2.0, (N, 3)), achieved_goal=place, desired_goal=place
        )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.bodies = self.np_random.uniform(-1, 1, (N, 3)).astype(np.float32)
        self.bodies[:, 2] = np.arange(N) == 0  # which of them moves
        self.goal = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        self.steps = 0
        return self._observe(), {}

    def step(self, action):
        discrete = np.isscalar(action) or np.ndim(action) == 0
        moves = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
        step = moves[int(action)] if discrete else np.asarray(action, np.float32)
        self.bodies[0, :2] = np.clip(self.bodies[0, :2] + 0.3 * step, -2, 2)
        self.steps += 1
        seen = self._observe()
        reward = float(self.compute_reward(seen["achieved_goal"], self.goal, {}))
        return seen, reward, reward == 0, self.steps == 8, {}

    def compute_reward(self, achieved, desired, info):
        return -(np.linalg.norm(achieved - desired, axis=-1) > 0.3).astype(np.float32)

    def _observe(self):
        return {
            "observation": self.bodies.copy(),
            "achieved_goal": self.bodies[0, :2].copy(),
            "desired_goal": self.goal.copy(),
        }


@pytest.mark.parametrize("name", ["SAC", "TD3", "DDPG", "DQN", "TQC", "QRDQN"])
def test_attends_beside_goals(name, tmp_path):
    algorithm = ALGORITHMS[name]
    model = find_class(name)(
        "MultiInputPolicy",
        Reach(algorithm.continuous),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4},
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {**SMALL, "entity_keys": ["observation"]},
            "net_arch": [16],
        },
        seed=0,
        device="cpu",
        **{**algorithm.settings, "learning_starts": 32},
    )
    before = [value.detach().clone() for value in model.policy.parameters()]
    model.learn(64)
    assert any(
        not torch.equal(a, b) for a, b in zip(before, model.policy.parameters(), strict=True)
    )
    seen = {key: np.stack([value] * 3) for key, value in Reach(True).reset(seed=0)[0].items()}
    assert all(found.weights.shape[-1] in (N, N + 1) for found in record(model, seen).values())
    model.save(tmp_path / "model")
    loaded = find_class(name).load(
        tmp_path / "model", env=Reach(algorithm.continuous), device="cpu"
    )
    actions = [one.predict(seen, deterministic=True)[0] for one in (model, loaded)]
    np.testing.assert_array_equal(*actions)
