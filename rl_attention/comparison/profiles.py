"""Beyond one number: performance profiles over tasks, and frames to a threshold of success.

Profiles after Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice" (there: run-score distributions).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rl_attention.comparison.resampling import (
    N_RESAMPLES,
    TAILS,
    Array,
    Scores,
    as_drawn,
    check_scores,
    check_tasks,
    never_as_infinite,
    resample,
    resample_tasks,
)


class Band(NamedTuple):
    """A pointwise percentile interval: it holds for each threshold alone, not for all at once.

    Args:
        low: Its lower end at each threshold.
        high: Its upper end at each threshold.
    """

    low: Array
    high: Array


class CensoredInterval(NamedTuple):
    """A percentile interval of frames; an end is None where it falls among those never there.

    Args:
        low: Its lower end.
        high: Its upper end.
    """

    low: float | None
    high: float | None


def performance_profile(scores: Scores, thresholds: ArrayLike) -> Array:
    """Return the share of runs whose score is above each threshold, the mean over tasks.

    Args:
        scores: Task to one score for each seed.
        thresholds: At least one.

    Raises:
        ValueError: There is no task, a task has no score or there is no threshold, or a number is
            not finite.
    """
    levels = _check_thresholds(thresholds)
    (profile,) = _shares_above(as_drawn(check_tasks(scores)), levels)
    return np.asarray(profile, dtype=np.float64)


def bootstrap_profile(
    scores: Scores,
    thresholds: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Band | None:
    """Return the pointwise band of a profile; seeds are drawn within each task, never tasks.

    Args:
        scores: Task to one score for each seed.
        thresholds: At least one.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The band, or None where a task has a single seed.

    Raises:
        ValueError: There is no task, a task has no score or there is no threshold, or a number is
            not finite.
    """
    levels = _check_thresholds(thresholds)
    samples = resample_tasks(check_tasks(scores), rng, n_resamples)
    if samples is None:
        return None
    low, high = np.quantile(_shares_above(samples, levels), TAILS, axis=0)
    return Band(low, high)


def frames_to(curve: Sequence[tuple[int, float]], threshold: float) -> int | None:
    """Return the first frame at which a rate reaches a threshold, or None: never, censored.

    Args:
        curve: Pairs of frames and rate, in any order.
        threshold: The least rate that counts.

    Raises:
        ValueError: The curve is empty, or a rate or the threshold is not finite.
    """
    if not curve:
        raise ValueError("expected at least one point of a curve, got none")
    if not all(map(math.isfinite, [threshold, *(rate for _, rate in curve)])):
        raise ValueError(f"expected finite rates, got {list(curve)} and threshold {threshold}")
    return min((frame for frame, rate in curve if rate >= threshold), default=None)


def share_reached(frames: Sequence[int | None]) -> float:
    """Return the share of runs that reached a threshold.

    Args:
        frames: Frames to it, one entry for each seed; None: never.

    Raises:
        ValueError: There is no entry.
    """
    return float(np.isfinite(never_as_infinite(frames)).mean())


def bootstrap_median_frames(
    frames: Sequence[int | None], rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> CensoredInterval | None:
    """Return the percentile bootstrap interval of `median_with_censoring`.

    The ends are medians of resamples, the next one outwards: nothing lies between a frame and
    never, so there is nothing to interpolate.

    Args:
        frames: Frames to a threshold, one entry for each seed; None: never.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The interval, or None for a single seed.

    Raises:
        ValueError: There is no entry.
    """
    values = never_as_infinite(frames)
    if len(values) < 2:
        return None
    medians = np.sort(np.median(resample(np.sort(values), rng, n_resamples), axis=1))
    low, high = (tail * (n_resamples - 1) for tail in TAILS)
    ends = float(medians[math.floor(low)]), float(medians[math.ceil(high)])
    return CensoredInterval(*(end if math.isfinite(end) else None for end in ends))


def _shares_above(samples: Sequence[Array], thresholds: Array) -> Array:
    # one threshold at a time: resamples by seeds by thresholds would not fit in memory
    shares = [
        np.mean([(values > threshold).mean(axis=1) for values in samples], axis=0)
        for threshold in thresholds
    ]
    return np.stack(shares, axis=1)  # resamples, thresholds


def _check_thresholds(thresholds: ArrayLike) -> Array:
    try:
        return check_scores(thresholds)
    except ValueError as error:
        raise ValueError(f"thresholds: {error}") from error
