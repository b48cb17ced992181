"""VecNormalize for the flat view, and its running means as plain arrays."""

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize, unwrap_vec_normalize

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.files import read_arrays, write_arrays


def normalize(config: RunConfig, env: VecEnv) -> VecEnv:
    """Wrap a training environment if the config says so.

    Args:
        config: The run.
        env: Its environment.
    """
    if not config.env.normalize:
        return env
    return _wrap(env, gamma=config.hyperparams.gamma)


def normalize_alike(env: VecEnv, training: VecEnv) -> VecEnv:
    """Give an evaluation environment the means of training, frozen; rewards stay as they are.

    Args:
        env: The environment to evaluate on.
        training: The environment of training, normalised or not.
    """
    trained = unwrap_vec_normalize(training)
    if trained is None:
        return env
    wrapped = _wrap(env, training=False, norm_reward=False)
    wrapped.obs_rms = trained.obs_rms
    return wrapped


def save_normalization(env: VecEnv, path: Path) -> None:
    """Write the running means of the observation, if there are any."""
    normalized = unwrap_vec_normalize(env)
    if normalized is None:
        return
    rms = _running_mean(normalized)
    count = np.asarray(rms.count, dtype=np.float64)
    write_arrays(path, {"mean": rms.mean, "var": rms.var, "count": count})


def load_normalization(env: VecEnv, path: Path) -> None:
    """Put saved running means into a normalised environment.

    Args:
        env: An environment, normalised or not.
        path: What `save_normalization` wrote.

    Raises:
        UserError: The file cannot be read or is of another observation.
    """
    normalized = unwrap_vec_normalize(env)
    if normalized is None:
        return
    rms = _running_mean(normalized)
    arrays = read_arrays(path)
    if arrays.keys() != {"mean", "var", "count"}:
        raise UserError(f"{path}: expected saved running means, got {sorted(arrays)!r:.100}")
    mean, var, count = arrays["mean"], arrays["var"], arrays["count"]
    shape = rms.mean.shape
    if (mean.shape, var.shape, count.shape) != (shape, shape, ()):
        raise UserError(f"{path}: expected means of shape {shape}, got {mean.shape}")
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UserError(f"{path}: {name}: expected finite numbers, got others")
    if var.min(initial=0) < 0 or count < 0:
        raise UserError(f"{path}: expected variances and a count from 0 up, got less")
    rms.mean, rms.var, rms.count = mean, var, float(count)


def _wrap(env: VecEnv, **options: Any) -> VecNormalize:
    """Normalise, and say so in the space.

    `VecNormalize` keeps the type of a flat space of bytes. Since SB3 stores a rollout in the type
    of the space (PR #2163), normalised numbers would be cut down to whole ones before training.
    """
    wrapped = VecNormalize(env, **options)
    limit, shape = wrapped.clip_obs, env.observation_space.shape
    wrapped.observation_space = spaces.Box(-limit, limit, shape, np.float32)
    return wrapped


def _running_mean(normalized: VecNormalize) -> RunningMeanStd:
    rms: Any = normalized.obs_rms  # a dict for dict observations, which are never normalised
    if not isinstance(rms, RunningMeanStd):
        raise TypeError(f"expected one running mean (a flat observation), got {type(rms).__name__}")
    return rms
