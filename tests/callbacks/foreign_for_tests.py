"""Environments that know nothing of this project, some of which have names for what they show."""

import gymnasium
import numpy as np
from gymnasium import spaces

SLOTS = 5


def _cells():
    high = np.broadcast_to(np.array([4, 2], np.int8), (3, 4, 2)).copy()
    return spaces.Box(np.zeros_like(high), high, dtype=np.int8)


SPACES = {
    "matrix": spaces.Box(-1.0, 1.0, (SLOTS, 3)),
    "masked": spaces.Dict(
        entities=spaces.Box(-1.0, 1.0, (SLOTS, 3)), mask=spaces.MultiBinary(SLOTS)
    ),
    "cells": _cells(),
    "image": spaces.Box(0, 255, (16, 24, 3), np.uint8),
    "history": spaces.Dict(
        history=spaces.Box(-1.0, 1.0, (SLOTS, 3)), mission=spaces.Box(0, 9, (4,), np.int16)
    ),
    "two sets": spaces.Dict(
        allies=spaces.Box(-1.0, 1.0, (2, 3)),
        enemies=spaces.Box(-1.0, 1.0, (3, 2)),
        enemies_mask=spaces.MultiBinary(3),
    ),
}


class ForeignEnv(gymnasium.Env):
    """Random observations of a space; an episode lasts three to five steps."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, kind="matrix", continuous=False):
        self.observation_space = SPACES[kind]
        small = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = small if continuous else spaces.Discrete(3)
        self.render_mode = "rgb_array"
        self.calls = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.calls.append(("reset", seed))
        self.left = int(self.np_random.integers(3, 6))
        return self._look(), {}

    def step(self, action):
        self.calls.append(("step", None))
        self.left -= 1
        return self._look(), float(self.np_random.random()), self.left == 0, False, {}

    def render(self):
        self.calls.append(("render", None))
        return np.zeros((20, 40, 3), np.uint8)

    def _look(self):
        if not isinstance(self.observation_space, spaces.Dict):
            return self._draw(self.observation_space)
        return {key: self._draw(part) for key, part in self.observation_space.spaces.items()}

    def _draw(self, space):
        if isinstance(space, spaces.MultiBinary):
            flags = self.np_random.integers(0, 2, space.shape).astype(space.dtype)
            flags[0] = 1
            return flags
        if space.dtype == np.float32:
            return self.np_random.uniform(-1, 1, space.shape).astype(np.float32)
        values = self.np_random.integers(space.low, space.high.astype(int) + 1)
        return values.astype(space.dtype)


def good_answer():
    """What an environment of SLOTS entities may say."""
    return {
        "labels": ["red key", "blue key", "door", "ball", ""],
        "types": ["key", "key", "door", "ball", ""],
        "boxes": [[0, 0, 10, 10], [10.4, 0, 20, 9.7], [-5, 5, 8, 30], [50, 0, 60, 9], [0] * 4],
        "frame": np.full((20, 40, 3), 90, np.uint8),
        "mission": "go to\nthe door",
        "agent_box": [20, 10, 30, 20],
    }


class NamedEnv(ForeignEnv):
    """One that has names."""

    def describe_entities(self):
        self.calls.append(("describe", None))
        return good_answer()


class DeafEnv(ForeignEnv):
    """One that fails when it is asked."""

    def describe_entities(self):
        raise KeyError("no names here")
