"""Counting episodes as they end."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback


class EpisodeCountingCallback(BaseCallback):
    """Base of the callbacks that report how many episodes have ended.

    Args:
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Attributes:
        episodes: Finished episodes, all environments together.
    """

    def __init__(self, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.episodes = 0

    def state(self) -> dict[str, Any]:
        """Return the count as plain values."""
        return {"episodes": self.episodes}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Args:
            state: The count.
        """
        self.episodes = state["episodes"]

    def restarted(self) -> None:
        """Count on: an episode is an episode."""

    def _on_step(self) -> bool:
        self.episodes += int(np.count_nonzero(self.locals["dones"]))
        return True

    def success_rate(self) -> float | None:
        """Share of successes among the last finished episodes; None if none told."""
        return mean_or_none(self.model.ep_success_buffer or ())


def mean_or_none(values: Iterable[float]) -> float | None:
    """Return the mean, or None of nothing: JSON has no word for NaN.

    Args:
        values: Numbers.
    """
    numbers = [float(value) for value in values]
    return sum(numbers) / len(numbers) if numbers else None
