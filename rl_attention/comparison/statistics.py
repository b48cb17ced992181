"""Statistics over few seeds: interquartile mean, bootstrap intervals, chance of improvement.

After Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
The unit is the seed: it is seeds that are resampled, each arm's own.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import trim_mean  # type: ignore[import-untyped]

from rl_attention.comparison.resampling import (
    N_RESAMPLES,
    TRIM,
    Array,
    check_scores,
    never_as_infinite,
    percentiles,
    resample,
    wins,
)
from rl_attention.comparison.resampling import Interval as Interval


def iqm(scores: ArrayLike) -> float:
    """Return the interquartile mean: the mean without the lowest and the highest quarter.

    Args:
        scores: One score for each seed, at least one.

    Raises:
        ValueError: There is no score, or one is not finite.
    """
    return float(trim_mean(check_scores(scores), TRIM))


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
    values = check_scores(scores)
    if len(values) < 2:
        return None
    return percentiles(_iqms(resample(values, rng, n_resamples)))


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
    return float(wins(check_scores(scores)[None], check_scores(baseline)[None])[0])


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
    return _bootstrap_pair(scores, baseline, rng, wins, n_resamples)


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
    median = float(np.median(never_as_infinite(frames)))
    return median if np.isfinite(median) else None


def _bootstrap_pair(
    scores: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    statistic: Callable[[Array, Array], Array],
    n_resamples: int,
) -> Interval | None:
    x, y = check_scores(scores), check_scores(baseline)
    if min(len(x), len(y)) < 2:
        return None
    return percentiles(statistic(resample(x, rng, n_resamples), resample(y, rng, n_resamples)))


def _iqms(samples: Array) -> Array:
    return np.asarray(trim_mean(samples, TRIM, axis=1), dtype=np.float64)
