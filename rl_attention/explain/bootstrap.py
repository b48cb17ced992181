"""Intervals for states that belong together: episodes are drawn, and the seeds they come from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.decisions import Floats

N_RESAMPLES = 2_000
_TAILS = (0.025, 0.975)


class Estimate(NamedTuple):
    """A mean with its 95 % interval.

    Attributes:
        mean: The mean; NaN where there is nothing to take it of.
        low: Lower end; None where one episode alone cannot say.
        high: Upper end.
        n: States that it is of.
        n_episodes: Episodes that they are of.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    n_episodes: int = 0

    def __str__(self) -> str:
        if not np.isfinite(self.mean):
            return "n/a"
        if self.low is None or self.high is None:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


class Column(NamedTuple):
    """One number for each state of one run.

    Attributes:
        episodes: Which episode each state is of, `P`.
        values: The number, `P`; NaN where it means nothing.
        over: What it is divided by, `P`; ones for a mean. Sums are taken first, so that states
            where little can be gained count little.
    """

    episodes: NDArray[np.intp]
    values: Floats
    over: Floats


def mean_of(episodes: NDArray[np.intp], values: Floats) -> Column:
    """Make a column whose mean is wanted."""
    return Column(episodes, values, np.ones(len(values)))


def estimate(
    runs: Sequence[Column], generator: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> Estimate:
    """Estimate a mean over states, and its percentile interval.

    States of an episode resemble each other, and so do runs of one seed: whole episodes are drawn
    with replacement within each run, and whole runs where there are several.

    Args:
        runs: One column for each run.
        generator: Draws.
        n_resamples: How many draws.

    Returns:
        The mean over runs of the ratio of each; NaN where what it is divided by is not above zero
        by the whole interval of its sum, since a ratio then says nothing.
    """
    sums = [_by_episode(run) for run in runs]
    sums = [found for found in sums if len(found)]
    n = sum(int(np.isfinite(run.values).sum()) for run in runs)
    n_episodes = sum(map(len, sums))
    mean = _ratio([found.sum(axis=0)[None] for found in sums])[0] if sums else float("nan")
    if n_episodes < 2 or not np.isfinite(mean):
        return Estimate(float(mean), None, None, n, n_episodes)
    own = [_draw(found, generator, n_resamples) for found in sums]
    if any(np.quantile(draw[:, 1], _TAILS[0]) <= 0 for draw in own):
        return Estimate(float("nan"), None, None, n, n_episodes)
    draws = own if len(sums) == 1 else _draw_runs(sums, generator, n_resamples)
    low, high = np.nanquantile(_ratio(draws), _TAILS)
    return Estimate(float(mean), float(low), float(high), n, n_episodes)


def _by_episode(run: Column) -> Floats:
    """Sum values and divisors over each episode, `E 2`."""
    known = np.isfinite(run.values) & np.isfinite(run.over)
    _, which = np.unique(run.episodes[known], return_inverse=True)
    pairs = np.stack([run.values[known], run.over[known]], axis=1)
    sums = np.zeros((which.max(initial=-1) + 1, 2))
    np.add.at(sums, which, pairs)
    return sums


def _draw(sums: Floats, generator: np.random.Generator, n_resamples: int) -> Floats:
    """Draw episodes with replacement and add them up, `R 2`."""
    weights = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), n_resamples)
    return np.asarray(weights @ sums)


def _draw_runs(
    sums: list[Floats], generator: np.random.Generator, n_resamples: int
) -> list[Floats]:
    """Draw runs with replacement, and episodes anew for each time that one is drawn: `R 2` each."""
    draws = []
    for _ in sums:
        each = np.stack([_draw(found, generator, n_resamples) for found in sums])  # run, R, 2
        draws.append(each[generator.integers(len(sums), size=n_resamples), np.arange(n_resamples)])
    return draws


def _ratio(runs: list[Floats]) -> Floats:
    """Divide each run's sums `R 2`, and take the mean over runs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.stack([sums[:, 0] / sums[:, 1] for sums in runs])  # run, R
    ratios[~np.isfinite(ratios) | np.stack([sums[:, 1] <= 0 for sums in runs])] = np.nan
    return np.asarray(ratios.mean(axis=0))
