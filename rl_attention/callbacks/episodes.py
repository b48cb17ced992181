"""Counting episodes as they end."""

from collections.abc import Iterable

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback


class EpisodeCountingCallback(BaseCallback):
    """Base of the callbacks that report how many episodes have ended.

    Args:
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Attributes:
        episodes: Finished episodes, all environments together. May be set before training goes on.
    """

    def __init__(self, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.episodes = 0

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
