"""What a run counts beside its training, over all the processes that worked on it."""

import time
from typing import Any

from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks import AttentionMapCallback, ResumeCallback


class RunCounts:
    """Seconds and dropped entities, kept in the checkpoints of a run.

    Args:
        env: The environment of training.

    Attributes:
        pauses: Callbacks whose `seconds` are no training.
    """

    def __init__(self, env: VecEnv) -> None:
        self.pauses: list[AttentionMapCallback | ResumeCallback] = []
        self._env = env
        self._began = time.monotonic()
        self._trained_since: float | None = None
        self._wall = self._training = 0.0
        self._overflow = 0

    @property
    def wall_seconds(self) -> float:
        """Seconds since the run began, the time between processes left out."""
        return self._wall + time.monotonic() - self._began

    @property
    def training_seconds(self) -> float:
        """Seconds of training, drawing maps and writing checkpoints left out."""
        if self._trained_since is None:
            return self._training
        now = time.monotonic() - self._trained_since
        return self._training + now - sum(callback.seconds for callback in self.pauses)

    @property
    def overflow(self) -> int:
        """Entities that did not fit into observations."""
        dropped: list[int] = self._env.get_attr("entity_overflow")
        return self._overflow + sum(dropped)

    def start(self) -> None:
        """Begin to count the training."""
        self._trained_since = time.monotonic()

    def stop(self) -> None:
        """End to count the training."""
        self._training, self._trained_since = self.training_seconds, None

    def state(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "wall": self.wall_seconds,
            "training": self.training_seconds,
            "overflow": self.overflow,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Args:
            state: The counts.
        """
        self._wall, self._training = state["wall"], state["training"]
        self._overflow = state["overflow"]

    def restarted(self) -> None:
        """Count on."""
