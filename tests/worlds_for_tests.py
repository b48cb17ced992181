"""Worlds that an extractor must cope with, and the options by which it reads them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import ObservationWrapper, spaces
from gymnasium.wrappers import FrameStackObservation
from spaces_for_tests import SPACES, F, N, SampleEnv, past_frames, symbol_box
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack

SMALL = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}


class MaskedEnv(SampleEnv):
    """Says which actions may be taken, for MaskablePPO; what is done has a price, for ARS."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward - 0.1 * float(np.sum(action)), *rest

    def action_masks(self):
        return np.array([True, True, False])


class Whole(ObservationWrapper):
    """Rounds columns of a matrix."""

    def __init__(self, env, columns):
        super().__init__(env)
        self.columns = columns

    def observation(self, observation):
        rounded = observation.copy()
        rounded[:, self.columns] = rounded[:, self.columns].round()
        return rounded

    def action_masks(self):
        return self.unwrapped.action_masks()


class Stacked(FrameStackObservation):
    def action_masks(self):
        return self.unwrapped.action_masks()


@dataclass(frozen=True)
class World:
    """A space, what is done to its observations, and the options that read them."""

    space: spaces.Space
    options: dict[str, Any] = field(default_factory=dict)
    wrap: Callable[[Any], Any] = lambda env: env
    n_stack: int = 1

    def make(self, action_space=None):
        """A vector environment of one."""
        env = DummyVecEnv([lambda: self.wrap(MaskedEnv(self.space, action_space))])
        return env if self.n_stack == 1 else VecFrameStack(env, self.n_stack)


def image(height=16, width=24):
    return spaces.Box(0, 255, (height, width, 3), np.uint8)


def presence():
    low, high = np.full((N, F), -2.0), np.full((N, F), 2.0)
    low[:, 1], high[:, 1] = 0.0, 1.0
    return spaces.Box(low.astype(np.float32), high.astype(np.float32))


def types():
    return spaces.Dict(
        allies=spaces.Box(-1.0, 1.0, (3, 5)),
        enemies=symbol_box(N),
        enemies_mask=spaces.MultiBinary(N),
        own=spaces.Box(-1.0, 1.0, (2,)),
        stance=spaces.Discrete(3),
        mission=spaces.Box(0, 20, (4,), np.int16),
    )


def frames():
    return spaces.Dict(
        entities=symbol_box(N),
        mask=spaces.Box(0, 1, (N,), np.int8),
        mission=spaces.Box(0, 20, (7,), np.int16),
        speed=spaces.Box(-1.0, 1.0, (2,)),
    )


TYPES = {"entity_keys": ["allies", "enemies"]}
WORLDS = {
    **{name: World(space) for name, space in SPACES.items()},
    "presence column": World(presence(), {"presence_column": 1}, lambda env: Whole(env, [1])),
    "ids in floats": World(presence(), {"categorical_columns": [1]}, lambda env: Whole(env, [1])),
    "several types": World(types(), TYPES),
    "entities and an image": World(
        spaces.Dict(bodies=spaces.Box(-1.0, 1.0, (N, F)), camera=image()),
        {"entity_keys": ["bodies", "camera"]},
    ),
    "past frames, one token a step": World(past_frames(), {"frames": "summary"}),
    "past frames, the rows of now": World(past_frames(), {"frames": "newest"}),
    "stacked matrix": World(presence(), {"n_stack": 3}, n_stack=3),
    "stacked entities, masks and words": World(frames(), {"n_stack": 2}, n_stack=2),
    "stacked images": World(image(32, 32), {"n_stack": 4}, n_stack=4),
    "past vectors": World(
        spaces.Box(-1.0, 1.0, (F,)), {"kind": "history"}, lambda env: Stacked(env, 4)
    ),
}


def observe(env, n_steps=12):
    """Observations of an environment that acts at random, as a batch."""
    env.seed(3)
    env.action_space.seed(3)
    seen = [env.reset()]
    for _ in range(n_steps):
        actions = np.stack([env.action_space.sample() for _ in range(env.num_envs)])
        seen.append(env.step(actions)[0])
    if isinstance(seen[0], dict):
        return {key: np.concatenate([one[key] for one in seen]) for key in seen[0]}
    return np.concatenate(seen)
