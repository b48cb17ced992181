"""Observation spaces that the extractors must work on, and what is done with them."""

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

N, F = 6, 4


def symbol_box(rows):
    low = np.tile(np.array([0, 0, -3, 0], np.int8), (rows, 1))
    high = np.tile(np.array([5, 2, 3, 6], np.int8), (rows, 1))
    return spaces.Box(low, high, dtype=np.int8)


def cells_box():
    high = np.broadcast_to(np.array([10, 5, 2], np.int8), (5, 5, 3)).copy()
    return spaces.Box(np.zeros_like(high), high, dtype=np.int8)


def past_frames(steps=3, rows=4):
    one = symbol_box(rows)
    low, high = (np.broadcast_to(bounds, (steps, *one.shape)) for bounds in (one.low, one.high))
    return spaces.Dict(
        frames=spaces.Box(low, high, dtype=np.int8),
        frames_mask=spaces.MultiBinary([steps, rows]),
        frames_steps=spaces.MultiBinary([steps]),
        frames_actions=spaces.Box(0, 3, (steps,), np.int16),
        frames_rewards=spaces.Box(-np.inf, np.inf, (steps,)),
        direction=spaces.Discrete(4),
    )


SPACES = {
    "entities and mask": spaces.Dict(
        entities=spaces.Box(-1.0, 1.0, (N, F)), mask=spaces.MultiBinary(N)
    ),
    "matrix": spaces.Box(-np.inf, np.inf, (N, F)),
    "everything": spaces.Dict(
        entities=symbol_box(N),
        mask=spaces.MultiBinary(N),
        walls=spaces.MultiBinary(9),
        direction=spaces.Discrete(4),
        carrying=spaces.MultiDiscrete([11, 6]),
        speed=spaces.Box(-1.0, 1.0, (2,)),
        mission=spaces.Box(0, 20, (7,), np.int16),
        mission_mask=spaces.MultiBinary(7),
    ),
    "cells": spaces.Dict(
        cells=cells_box(), mask=spaces.MultiBinary(25), direction=spaces.Discrete(4)
    ),
    "cells alone": cells_box(),
    "history": spaces.Dict(
        history=symbol_box(N), mask=spaces.MultiBinary(N), speed=spaces.Box(-1.0, 1.0, (2,))
    ),
    "past frames": past_frames(),
    "image": spaces.Box(0, 255, (16, 24, 3), np.uint8),
    "image in a dict": spaces.Dict(
        pixels=spaces.Box(0, 255, (16, 24, 3), np.uint8), direction=spaces.Discrete(4)
    ),
}


class SampleEnv(gym.Env):
    """Emit samples of a space; an episode lasts eight steps."""

    def __init__(self, space, action_space=None):
        self.observation_space = space
        self.action_space = action_space or spaces.Discrete(3)
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        self.steps += 1
        return self.observation_space.sample(), float(self.steps % 2), False, self.steps == 8, {}


def policy_for(space):
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if space.dtype == np.uint8 else "MlpPolicy"


def first_ratio(model, n_steps=16):
    """PPO's probability ratio in its first minibatch, before any update."""
    _, callback = model._setup_learn(n_steps)
    callback.on_training_start({}, {})
    model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=n_steps)
    model.policy.set_training_mode(True)
    data = next(model.rollout_buffer.get(n_steps))
    _, log_prob, _ = model.policy.evaluate_actions(data.observations, data.actions.flatten())
    return torch.exp(log_prob - data.old_log_prob)
