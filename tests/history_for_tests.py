"""An environment whose every frame can be told from every other, and a plain history of it."""

from collections import deque

import gymnasium as gym
import numpy as np
from gymnasium import spaces

ROWS = 3


class Parade(gym.Env):
    """Row `i` of a frame is (episode, step, i); how many rows are real differs from frame to frame.

    Args:
        number: Tells environments apart.
        lengths: Steps of each episode, over and over again.
        actions: The action space.
        masked: Whether there is a mask.
    """

    def __init__(self, number=0, lengths=(4,), actions=None, masked=True):
        parts = {
            "entities": spaces.Box(-1, 99, (ROWS, 3), np.int8),
            "mission": spaces.Box(0, 9, (2,), np.int8),
        }
        if masked:
            parts["mask"] = spaces.MultiBinary(ROWS)
        self.observation_space = spaces.Dict(parts)
        self.action_space = actions or spaces.Discrete(3)
        self.number, self.lengths, self.masked = number, lengths, masked
        self.episode, self.steps = 0, 0
        self.given = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.given.append((seed, options))
        self.episode, self.steps = self.episode + 1, 0
        return self._look(), {"begun": self.episode}

    def step(self, action):
        self.steps += 1
        over = self.steps >= self.lengths[(self.episode - 1) % len(self.lengths)]
        return self._look(), 0.5 * self.steps, False, over, {}

    def describe_entities(self):
        """Names for the real rows of the frame that was shown last."""
        count = (self.episode + self.steps) % (ROWS + 1) if self.masked else ROWS
        labels = [f"{self.episode}.{self.steps}.{i}" if i < count else "" for i in range(ROWS)]
        boxes = np.array([[i, i, i + 2, i + 2] if i < count else [0] * 4 for i in range(ROWS)])
        frame = np.full((8, 8, 3), self.steps, np.uint8)
        types = ["thing" if label else "" for label in labels]
        return {"labels": labels, "types": types, "boxes": boxes, "frame": frame, "mission": "go"}

    def edit_entities(self, edit):
        """The frame with its first row gone; None without it."""
        seen = self._look()
        if not seen["mask"][0]:
            return None
        seen["mask"][0] = 0
        return {"observation": seen, "description": self.describe_entities()}

    def _look(self):
        rows = [(self.episode + 10 * self.number, self.steps, i) for i in range(ROWS)]
        seen = {
            "entities": np.array(rows, np.int8),
            "mission": np.array([self.number, self.steps % 10], np.int8),
        }
        if self.masked:
            count = (self.episode + self.steps) % (ROWS + 1)
            seen["mask"] = (np.arange(ROWS) < count).astype(np.int8)
        return seen


class PlainHistory:
    """The window of one environment, kept as anybody would: in a deque, anew for each episode.

    Args:
        n_frames: Length of the window.
        action: What stands for no action.
    """

    def __init__(self, n_frames, action=0):
        self.n_frames, self.action = n_frames, action
        self.frames = deque(maxlen=n_frames)

    def begin(self, seen):
        self.frames.clear()
        self.see(seen, self.action, 0.0)

    def see(self, seen, action, reward):
        self.frames.append((seen, action, reward))

    def shown(self):
        missing = self.n_frames - len(self.frames)
        seen = [frame for frame, _, _ in self.frames]
        masks = [frame.get("mask", np.ones(ROWS)) for frame in seen]

        def padded(values, like):
            return np.array([np.zeros_like(like)] * missing + list(values))

        return {
            "frames": padded([f["entities"] for f in seen], seen[0]["entities"]),
            "frames_mask": padded(masks, masks[0]),
            "frames_steps": np.array([0] * missing + [1] * len(seen)),
            "frames_actions": padded([a for _, a, _ in self.frames], self.action),
            "frames_rewards": np.array([0.0] * missing + [r for _, _, r in self.frames]),
            "mission": seen[-1]["mission"],
        }
