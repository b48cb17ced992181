"""A tiny environment of entities, an extractor with probes, and models of several algorithms."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rl_attention.nn.probe import Probe


class EntityEnv(gymnasium.Env):
    """Six slots with one to six entities; an episode lasts three to five steps."""

    observation_space = spaces.Dict(
        {
            "entities": spaces.Box(-3, 3, (6, 4), np.int8),
            "mask": spaces.MultiBinary(6),
            "direction": spaces.Discrete(4),
        }
    )

    def __init__(self, continuous=False):
        small = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = small if continuous else spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = int(self.np_random.integers(3, 6))
        return self._look(), {}

    def step(self, action):
        self.left -= 1
        done = self.left == 0
        won = bool(self.np_random.random() < 0.5) and done
        return self._look(), float(won), done, False, {"is_success": won} if done else {}

    def _look(self):
        mask = (np.arange(6) < self.np_random.integers(1, 7)).astype(np.int8)
        entities = self.np_random.integers(-3, 4, (6, 4)).astype(np.int8) * mask[:, None]
        return {"entities": entities, "mask": mask, "direction": int(self.np_random.integers(4))}


class TinyExtractor(BaseFeaturesExtractor):
    """One attention layer with two heads, dropout after it, and nothing else."""

    def __init__(self, observation_space, features_dim=8):
        super().__init__(observation_space, features_dim)
        self.encode = nn.Linear(4, 8)
        self.queries = nn.Linear(8, 8)
        self.probe = Probe(("entities",), ("entities",))
        self.dropout = nn.Dropout(0.1)

    def forward(self, observations):
        mask = observations["mask"].flatten(start_dim=1) > 0.5
        values = self.encode(observations["entities"]).unflatten(-1, (2, 4)).transpose(1, 2)
        asked = self.queries(values.transpose(1, 2).flatten(2)).unflatten(-1, (2, 4))
        scores = asked.transpose(1, 2) @ values.transpose(-1, -2)
        scores = scores.masked_fill(~mask[:, None, None], -1e9)
        weights = self.probe(scores.softmax(dim=-1), mask, mask)
        return self.dropout((weights @ values).transpose(1, 2).flatten(2).mean(dim=1))


class PlainExtractor(BaseFeaturesExtractor):
    """The arm without attention."""

    def __init__(self, observation_space, features_dim=24):
        super().__init__(observation_space, features_dim)

    def forward(self, observations):
        return observations["entities"].flatten(1)


OFF_POLICY = {"buffer_size": 500, "batch_size": 16, "learning_starts": 40}
ALGORITHMS = {
    "ppo": (PPO, {"n_steps": 16, "batch_size": 16, "n_epochs": 1}, 2),
    "ppo-unshared": (
        PPO,
        {
            "n_steps": 16,
            "batch_size": 16,
            "n_epochs": 1,
            "policy_kwargs": {"share_features_extractor": False},
        },
        2,
    ),
    "a2c": (A2C, {"n_steps": 8}, 2),
    "dqn": (DQN, dict(OFF_POLICY, target_update_interval=20), 1),
    "sac": (SAC, OFF_POLICY | {"train_freq": 4}, 1),
    "td3": (TD3, OFF_POLICY | {"train_freq": 4}, 1),
}


@pytest.fixture(params=ALGORITHMS)
def algorithm(request):
    return request.param


@pytest.fixture
def make_model():
    def make(name="ppo", *, extractor=TinyExtractor, n_envs=None, seed=0, **kwargs):
        from stable_baselines3.common.env_util import make_vec_env

        cls, defaults, envs = ALGORITHMS[name]
        policy_kwargs = dict(
            defaults.get("policy_kwargs", {}), net_arch=[8], features_extractor_class=extractor
        )
        continuous = {"continuous": name in ("sac", "td3")}
        env = make_vec_env(EntityEnv, n_envs=n_envs or envs, seed=seed, env_kwargs=continuous)
        settings = defaults | {"policy_kwargs": policy_kwargs, "device": "cpu"} | kwargs
        return cls("MultiInputPolicy", env, seed=seed, **settings)

    return make


@pytest.fixture
def plain_extractor():
    return PlainExtractor


@pytest.fixture
def observations():
    """Five observations as an environment of this kind emits them, stacked."""
    env = EntityEnv()
    seen = [env.reset(seed=0)[0]] + [env.reset()[0] for _ in range(4)]
    return {key: np.stack([np.asarray(look[key]) for look in seen]) for key in seen[0]}


@pytest.fixture
def weights_of():
    def read(model):
        return {name: p.detach().clone() for name, p in model.policy.named_parameters()}

    return read


@pytest.fixture
def assert_same():
    def check(first, second):
        assert first.keys() == second.keys()
        assert all(torch.equal(value, second[name]) for name, value in first.items())

    return check
