"""Observations to look at: drawn from a space, or seen by walking at random."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.doctor.findings import NotApplicable, one_line
from rl_attention.doctor.parts import Observations, Space, parts_of

LEAST_STEPS = 20
"""Steps that each of many environments takes at least."""

_WIDE = 1e3


def draw(space: Space, rng: np.random.Generator, n_rows: int) -> NDArray[Any]:
    """Draw observations of moderate size, also where the bounds allow huge ones.

    Args:
        space: A space without parts.
        rng: What draws.
        n_rows: How many.

    Raises:
        NotApplicable: Stable-Baselines3 takes no such space.
    """
    if isinstance(space, spaces.Box):
        return _draw_box(space, rng, n_rows)
    if isinstance(space, spaces.Discrete):
        return rng.integers(space.start, space.start + space.n, n_rows)
    if isinstance(space, spaces.MultiDiscrete):
        return rng.integers(space.start, space.start + space.nvec, (n_rows, *space.shape))
    if isinstance(space, spaces.MultiBinary):
        return rng.integers(0, 2, (n_rows, *space.shape), np.int8)
    raise NotApplicable(f"no observation of {type(space).__name__} can be drawn")


def _draw_box(space: spaces.Box, rng: np.random.Generator, n_rows: int) -> NDArray[Any]:
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    shape = (n_rows, *space.shape)
    if np.issubdtype(space.dtype, np.integer):
        least = np.clip(low, -_WIDE, None).astype(np.int64)
        most = np.maximum(least, np.clip(high, None, _WIDE).astype(np.int64))
        return rng.integers(least, most, shape, endpoint=True).astype(space.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = high - low <= _WIDE
    even = rng.uniform(np.where(narrow, low, -1.0), np.where(narrow, high, 1.0), shape)
    values = np.where(narrow, even, rng.normal(size=shape))
    return np.clip(values, low, high).astype(space.dtype)


def walk(env: gym.Env[Any, Any] | VecEnv, *, seed: int, n_steps: int) -> Observations:
    """Take random steps and keep what was observed.

    Args:
        env: An environment, or several; it is reset first.
        seed: Decides the episodes and the actions.
        n_steps: How many steps, all environments together.

    Raises:
        NotApplicable: The environment raises an error.
    """
    actions = copy.deepcopy(env.action_space)
    actions.seed(seed)
    try:
        if isinstance(env, VecEnv):
            return _walk_all(env, actions, seed, n_steps)
        return _walk_one(env, actions, seed, n_steps)
    except Exception as error:  # a foreign environment may raise anything
        raise NotApplicable(f"the environment raises {one_line(error)}") from error


def _walk_one(
    env: gym.Env[Any, Any], actions: Space, seed: int, n_steps: int
) -> dict[str, NDArray[Any]]:
    observation, _ = env.reset(seed=seed)
    seen = [copy.deepcopy(observation)]
    for _ in range(n_steps):
        observation, _, terminated, truncated, _ = env.step(actions.sample())
        if terminated or truncated:
            observation, _ = env.reset()
        seen.append(copy.deepcopy(observation))
    return {
        key: np.stack([np.asarray(pick(one, key)) for one in seen])
        for key in parts_of(env.observation_space)
    }


def _walk_all(env: VecEnv, actions: Space, seed: int, n_steps: int) -> dict[str, NDArray[Any]]:
    env.seed(seed)
    seen = [copy.deepcopy(env.reset())]
    for _ in range(max(LEAST_STEPS, -(-n_steps // env.num_envs))):
        taken = np.stack([np.asarray(actions.sample()) for _ in range(env.num_envs)])
        seen.append(copy.deepcopy(env.step(taken)[0]))
    return {
        key: np.concatenate([np.asarray(pick(one, key)) for one in seen])
        for key in parts_of(env.observation_space)
    }


def pick(observation: Any, key: str) -> Any:
    """Take one part of an observation.

    Args:
        observation: A mapping, or one part alone.
        key: The key; any where there is one part alone.
    """
    return observation[key] if isinstance(observation, dict) else observation
