"""Environments that can be stepped without moving the one that somebody trains on."""

from contextlib import suppress
from typing import Any, TypeAlias

import gymnasium as gym
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    VecCheckNan,
    VecEnv,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
)
from stable_baselines3.common.vec_env.base_vec_env import VecEnvWrapper

from rl_attention.doctor.findings import NotApplicable
from rl_attention.doctor.parts import Observations
from rl_attention.doctor.sampling import walk

Env: TypeAlias = gym.Env[Any, Any] | VecEnv

_SHELLS = (VecCheckNan, VecMonitor, VecNormalize, VecTransposeImage)


def raw(env: Env) -> Env:
    """Take off the wrappers that keep what is observed but change how it is written.

    Args:
        env: An environment, or several.
    """
    while isinstance(env, VecEnvWrapper) and isinstance(env, _SHELLS):
        env = env.venv
    return env


def make_fresh(env: Env) -> gym.Env[Any, Any] | None:
    """Make another environment of the same kind, if it says how it was made.

    Args:
        env: A raw environment.
    """
    if isinstance(env, VecEnv):
        return make_fresh(env.envs[0]) if type(env) is DummyVecEnv else None
    while isinstance(env, Monitor):
        env = env.env
    if env.spec is None:
        return None
    try:
        fresh = gym.make(env.spec)
    except Exception:  # a wrapper that keeps no record of its arguments, or any foreign code
        return None
    if fresh.observation_space != env.observation_space:
        fresh.close()
        return None
    return fresh


def look_around(env: Env, *, seed: int, n_steps: int, may_step: bool) -> Observations:
    """Collect what an environment shows to one who acts at random.

    Args:
        env: The environment; left alone where a fresh one can be made.
        seed: Decides everything.
        n_steps: How many steps.
        may_step: Whether the environment itself may be reset and stepped.

    Raises:
        NotApplicable: A fresh one cannot be made, and this one must not be stepped; or it raises.
    """
    inner = raw(env)
    fresh = make_fresh(inner)
    if fresh is not None:
        try:
            return walk(fresh, seed=seed, n_steps=n_steps)
        finally:
            fresh.close()
    if not may_step:
        raise NotApplicable(
            "needs observations, but the model's environment is not stepped: say env="
        )
    statistics = _statistics_below(inner)
    training = [one.training for one in statistics]
    try:
        for one in statistics:
            one.training = False
        return walk(inner, seed=seed, n_steps=n_steps)
    finally:
        with suppress(Exception):  # what it raised before, it may raise again
            inner.reset()
        for one, before in zip(statistics, training, strict=True):
            one.training = before


def _statistics_below(env: Env) -> list[VecNormalize]:
    """Find the running means that stepping would move."""
    found = []
    while isinstance(env, VecEnvWrapper):
        if isinstance(env, VecNormalize):
            found.append(env)
        env = env.venv
    return found
