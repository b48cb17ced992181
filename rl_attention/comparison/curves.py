"""Learning curves of several seeds as one curve with a band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_attention.comparison.resampling import TAILS, Array, resample

N_POINTS = 60
N_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class CurveBand:
    """The mean over seeds on a common grid of frames.

    Attributes:
        frames: The grid.
        mean: Mean success rate over seeds.
        low: Lower end of the pointwise percentile bootstrap band; None for a single seed.
        high: Its upper end, likewise.
    """

    frames: Array
    mean: Array
    low: Array | None
    high: Array | None


def average_curves(
    curves: Sequence[Sequence[Sequence[float]]],
    rng: np.random.Generator,
    *,
    n_points: int = N_POINTS,
    n_resamples: int = N_RESAMPLES,
) -> CurveBand | None:
    """Average the curves of the seeds of one arm.

    Each is interpolated linearly between its points. Before the last of their first points and
    after the first of their last points nothing is drawn, as a seed is not known there.

    Args:
        curves: Pairs of frames and success rate for each seed, in any order.
        rng: Draws the resamples of seeds.
        n_points: Points of the grid.
        n_resamples: How many resamples.

    Returns:
        The curve, or None where there is no seed, a seed has no point, or they have no frames in
        common.
    """
    if not curves or not all(curves):
        return None
    ordered = [np.array(sorted(map(tuple, curve)), dtype=np.float64) for curve in curves]
    first = max(curve[0, 0] for curve in ordered)
    last = min(curve[-1, 0] for curve in ordered)
    if first > last:
        return None
    frames = np.linspace(first, last, n_points)
    values = np.stack([np.interp(frames, curve[:, 0], curve[:, 1]) for curve in ordered])
    low, high = _band(values, rng, n_resamples)
    return CurveBand(frames, values.mean(axis=0), low, high)


def _band(
    values: Array, rng: np.random.Generator, n_resamples: int
) -> tuple[Array | None, Array | None]:
    n_seeds = len(values)
    if n_seeds < 2:
        return None, None
    drawn = resample(np.arange(n_seeds, dtype=np.float64), rng, n_resamples)
    # how often each seed was drawn, so that means are one product
    counts = (drawn[:, :, None] == np.arange(n_seeds)).sum(axis=1)
    low, high = np.quantile(counts @ values / n_seeds, TAILS, axis=0)
    return low, high
