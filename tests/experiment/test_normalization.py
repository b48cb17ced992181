"""Normalised observations reach the training whole."""

import numpy as np
from stable_baselines3.common.vec_env import VecNormalize

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model
from rl_attention.experiment.normalization import normalize, normalize_alike
from rl_attention.experiment.validation import validate

CONFIG = validate(
    RunConfig,
    {
        "env": {
            "id": "MiniGrid-Empty-Random-5x5-v0",
            "view": "flat",
            "n_envs": 2,
            "normalize": True,
        },
        "arm": "flat",
        "device": "cpu",
        "hyperparams": {"n_steps": 16},
    },
)


def test_a_rollout_keeps_normalised_numbers_as_the_policy_saw_them():
    env = normalize(CONFIG, build_env(CONFIG))
    model = build_model(CONFIG, env)
    model.learn(32)
    kept = model.rollout_buffer.observations
    assert kept.dtype == np.float32
    assert (kept != np.round(kept)).any()
    env.close()


def test_evaluation_sees_the_means_of_training_and_true_rewards():
    env = normalize(CONFIG, build_env(CONFIG))
    env.reset()
    for _ in range(20):
        env.step(np.array([2, 1]))
    other = normalize_alike(build_env(CONFIG), env)
    assert isinstance(other, VecNormalize)
    assert not other.training
    assert not other.norm_reward
    assert other.observation_space == env.observation_space
    raw = np.full((1, *env.observation_space.shape), 3, np.uint8)
    np.testing.assert_array_equal(other.normalize_obs(raw), env.normalize_obs(raw))
    env.close()
    other.close()
