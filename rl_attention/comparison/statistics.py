"""Statistics over few seeds: interquartile mean, bootstrap intervals, chance of improvement.

After Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
The unit is the seed: it is seeds that are resampled, each arm's own.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import trim_mean  # type: ignore[import-untyped]

Array = NDArray[np.float64]

N_RESAMPLES = 10_000
LEVEL = 0.95
TRIM = 0.25


class Interval(NamedTuple):
    """A percentile interval.

    Args:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float


def iqm(scores: ArrayLike) -> float:
    """Return the interquartile mean: the mean without the lowest and the highest quarter.

    Args:
        scores: One score for each seed, at least one.

    Raises:
        ValueError: There is no score, or one is not finite.
    """
    return float(trim_mean(_check(scores), TRIM))


def bootstrap_iqm(
    scores: ArrayLike, rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> Interval | None:
    """Return the percentile bootstrap interval of the interquartile mean.

    The percentile interval stays defined where all seeds agree; BCa does not.

    Args:
        scores: One score for each seed.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The interval, or None for a single seed, which says nothing about others.

    Raises:
        ValueError: There is no score, or one is not finite.
    """
    values = _check(scores)
    if len(values) < 2:
        return None
    return _percentiles(_iqms(_resample(values, rng, n_resamples)))


def bootstrap_difference(
    scores: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Interval | None:
    """Return the interval of the difference between two arms' interquartile means.

    Args:
        scores: One score for each seed.
        baseline: Scores of the arm to compare with; seeds are not paired.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The interval, or None where an arm has a single seed.

    Raises:
        ValueError: An arm has no score, or one is not finite.
    """

    def difference(x: Array, y: Array) -> Array:
        return _iqms(x) - _iqms(y)

    return _bootstrap_pair(scores, baseline, rng, difference, n_resamples)


def probability_of_improvement(scores: ArrayLike, baseline: ArrayLike) -> float:
    """Return the chance that a random seed of one arm beats a random seed of another.

    Ties count one half: this is the Mann-Whitney U over the number of pairs.

    Args:
        scores: One score for each seed.
        baseline: Scores of the arm to compare with.

    Raises:
        ValueError: An arm has no score, or one is not finite.
    """
    return float(_wins(_check(scores)[None], _check(baseline)[None])[0])


def bootstrap_probability(
    scores: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Interval | None:
    """Return the interval of the probability of improvement.

    Args:
        scores: One score for each seed.
        baseline: Scores of the arm to compare with.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The interval, or None where an arm has a single seed.

    Raises:
        ValueError: An arm has no score, or one is not finite.
    """
    return _bootstrap_pair(scores, baseline, rng, _wins, n_resamples)


def median_with_censoring(frames: Sequence[int | None]) -> float | None:
    """Return the median of frames to a threshold, where None means that it was never reached.

    A run that never got there counts as later than any that did.

    Args:
        frames: One entry for each seed, at least one.

    Returns:
        The median, or None where it falls among the runs that never got there.

    Raises:
        ValueError: There is no entry.
    """
    if not frames:
        raise ValueError("expected at least one seed, got none")
    ordered = np.sort([np.inf if value is None else float(value) for value in frames])
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    median = float(middle.mean())
    return median if np.isfinite(median) else None


def _bootstrap_pair(
    scores: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    statistic: Callable[[Array, Array], Array],
    n_resamples: int,
) -> Interval | None:
    x, y = _check(scores), _check(baseline)
    if min(len(x), len(y)) < 2:
        return None
    return _percentiles(statistic(_resample(x, rng, n_resamples), _resample(y, rng, n_resamples)))


def _resample(values: Array, rng: np.random.Generator, n_resamples: int) -> Array:
    drawn = rng.integers(len(values), size=(n_resamples, len(values)))
    return values[drawn]  # resamples, seeds


def _iqms(samples: Array) -> Array:
    return np.asarray(trim_mean(samples, TRIM, axis=1), dtype=np.float64)


def _wins(x: Array, y: Array) -> Array:
    pairs = np.sign(x[:, :, None] - y[:, None, :])  # resamples, seeds of x, seeds of y
    return np.asarray((pairs.mean(axis=(1, 2)) + 1) / 2, dtype=np.float64)


def _percentiles(values: Array) -> Interval:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _check(scores: Any) -> Array:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected a list of at least one score, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite scores, got {values.tolist()}")
    return values
