"""What the statistics of one task and those over several share: checks, draws, percentiles."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# task to one score for each seed; tasks may have different numbers of seeds
Scores = Mapping[str, Array]

N_RESAMPLES = 10_000
LEVEL = 0.95
TRIM = 0.25

TAILS = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)


class Interval(NamedTuple):
    """A percentile interval.

    Args:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float


def check_scores(scores: Any) -> Array:
    """Return the scores of one task as numbers.

    Args:
        scores: One score for each seed.

    Raises:
        ValueError: There is no score, or one is not finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected a list of at least one score, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite scores, got {values.tolist()}")
    return values


def check_tasks(scores: Scores) -> list[Array]:
    """Return the scores of each task, tasks by name and scores by size.

    Sums of floats depend on their order: sorted, the same runs always give the same digits.

    Args:
        scores: Task to one score for each seed.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite.
    """
    if not scores:
        raise ValueError("expected at least one task, got none")
    checked = []
    for task in sorted(scores):
        try:
            checked.append(np.sort(check_scores(scores[task])))
        except ValueError as error:
            raise ValueError(f"{task}: {error}") from error
    return checked


def check_same_tasks(arms: Sequence[Scores]) -> None:
    """Refuse arms that did not run the same tasks.

    Args:
        arms: Scores of each arm.

    Raises:
        ValueError: There is no arm, or two have different tasks.
    """
    if not arms:
        raise ValueError("expected at least one arm, got none")
    first = sorted(arms[0])
    for other in map(sorted, arms[1:]):
        if other != first:
            raise ValueError(f"expected the same tasks in every arm, got {first} and {other}")


def resample(values: Array, rng: np.random.Generator, n_resamples: int) -> Array:
    """Draw seeds with replacement; returns resamples by seeds.

    Args:
        values: One score for each seed.
        rng: Draws the resamples.
        n_resamples: How many.
    """
    drawn = rng.integers(len(values), size=(n_resamples, len(values)))
    return values[drawn]


def resample_tasks(
    tasks: Sequence[Array], rng: np.random.Generator, n_resamples: int
) -> list[Array] | None:
    """Draw seeds within each task, never tasks; returns resamples by seeds for each.

    Args:
        tasks: One score for each seed, of each task.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The draws, or None where a task has a single seed, which says nothing about others.
    """
    if min(map(len, tasks)) < 2:
        return None
    return [resample(values, rng, n_resamples) for values in tasks]


def as_drawn(tasks: Sequence[Array]) -> list[Array]:
    """Return the runs as they are in the shape of draws: one resample by seeds for each task.

    Args:
        tasks: One score for each seed, of each task.
    """
    return [values[None] for values in tasks]


def wins(x: Array, y: Array) -> Array:
    """Return the Mann-Whitney U over the number of pairs, ties one half, of each resample.

    Args:
        x: Resamples by seeds.
        y: Resamples by seeds.
    """
    # one seed of x at a time: all pairs of a thousand seeds would fill the memory
    won = sum(np.sign(x[:, [seed]] - y).mean(axis=1) for seed in range(x.shape[1]))
    return np.asarray((won / x.shape[1] + 1) / 2, dtype=np.float64)


def percentiles(values: Array) -> Interval:
    """Return the percentile interval of a statistic.

    Args:
        values: One for each resample.
    """
    low, high = np.quantile(values, TAILS)
    return Interval(float(low), float(high))


def never_as_infinite(frames: Sequence[int | None]) -> Array:
    """Return frames to a threshold with infinity where it was never reached.

    Args:
        frames: One entry for each seed; None: never.

    Raises:
        ValueError: There is no entry.
    """
    if not frames:
        raise ValueError("expected at least one seed, got none")
    return np.array([math.inf if value is None else value for value in frames], dtype=np.float64)
