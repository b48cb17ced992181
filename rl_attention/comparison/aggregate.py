"""Statistics over several tasks: one number for all runs, with intervals stratified by task.

Definitions after Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", and its library rliable, which wants as many seeds of every task. Here tasks may have
different numbers of seeds, and each task weighs the same; for equal numbers the values are
rliable's. Tasks are taken by name, so that their order changes nothing, and scores should be on one
scale: a success rate, or a return normalised for each task.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rl_attention.comparison.resampling import (
    N_RESAMPLES,
    TRIM,
    Array,
    Interval,
    Scores,
    as_drawn,
    check_same_tasks,
    check_tasks,
    percentiles,
    resample_tasks,
    wins,
)

Statistic = Callable[[Scores], float]


def aggregate_iqm(scores: Scores) -> float:
    """Return the interquartile mean of the runs of all tasks pooled.

    Runs are repeated until every task has as many (the least common multiple of the numbers of
    seeds), then the lowest and the highest quarter are left out, rounded down to whole runs. For
    equal numbers nothing is repeated: `scipy.stats.trim_mean(scores, 0.25, axis=None)`.

    Args:
        scores: Task to one score for each seed.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite.
    """
    return _point(_iqms, scores)


def aggregate_mean(scores: Scores) -> float:
    """Return the mean over tasks of the mean over seeds.

    Args:
        scores: Task to one score for each seed.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite.
    """
    return _point(_means, scores)


def aggregate_median(scores: Scores) -> float:
    """Return the median over tasks of the mean over seeds.

    Args:
        scores: Task to one score for each seed.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite.
    """
    return _point(_medians, scores)


def optimality_gap(scores: Scores, gamma: float = 1.0) -> float:
    """Return how far runs fall short of a wanted score: gamma - mean(min(score, gamma)).

    Args:
        scores: Task to one score for each seed.
        gamma: The wanted score; more than it earns nothing.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite, or gamma is not.
    """
    if not math.isfinite(gamma):
        raise ValueError(f"gamma: expected a finite number, got {gamma}")
    return _point(lambda samples: _gaps(samples, gamma), scores)


def improvement_over_tasks(x: Scores, y: Scores) -> float:
    """Return the chance that a run of one arm beats a run of another on a random task.

    The mean over tasks of the Mann-Whitney U over the number of pairs; ties count one half.

    Args:
        x: Task to one score for each seed.
        y: Scores of the arm to compare with, of the same tasks.

    Raises:
        ValueError: The tasks differ, there is none, one has no score, or one is not finite.
    """
    check_same_tasks([x, y])
    return float(_chances(as_drawn(check_tasks(x)), as_drawn(check_tasks(y)))[0])


def bootstrap_aggregate(
    scores: Scores,
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Interval | None:
    """Return the percentile bootstrap interval of a statistic over tasks.

    Stratified: seeds are drawn within each task, never tasks; it speaks of these tasks only.

    Args:
        scores: Task to one score for each seed.
        statistic: One of the aggregates here, computed for all resamples at once, or any other
            function of scores, called for each resample.
        rng: Draws the resamples.
        n_resamples: How many.

    Returns:
        The interval, or None where a task has a single seed.

    Raises:
        ValueError: There is no task, a task has no score, or one is not finite.
    """
    samples = resample_tasks(check_tasks(scores), rng, n_resamples)
    return None if samples is None else percentiles(_each(statistic, sorted(scores), samples))


def bootstrap_difference_over_tasks(
    x: Scores,
    y: Scores,
    rng: np.random.Generator,
    statistic: Statistic = aggregate_iqm,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Interval | None:
    """Return the stratified interval of the difference between two arms' statistics.

    Args:
        x: Task to one score for each seed.
        y: Scores of the arm to compare with, of the same tasks; seeds are not paired.
        rng: Draws the resamples, each arm's own.
        statistic: What is compared, as for `bootstrap_aggregate`.
        n_resamples: How many.

    Returns:
        The interval, or None where a task of an arm has a single seed.

    Raises:
        ValueError: The tasks differ, there is none, one has no score, or one is not finite.
    """
    tasks = sorted(x)

    def difference(drawn_x: Sequence[Array], drawn_y: Sequence[Array]) -> Array:
        return _each(statistic, tasks, drawn_x) - _each(statistic, tasks, drawn_y)

    return _bootstrap_pair(x, y, rng, difference, n_resamples)


def bootstrap_improvement(
    x: Scores, y: Scores, rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> Interval | None:
    """Return the stratified interval of the chance of improvement over tasks.

    Args:
        x: Task to one score for each seed.
        y: Scores of the arm to compare with, of the same tasks.
        rng: Draws the resamples, each arm's own.
        n_resamples: How many.

    Returns:
        The interval, or None where a task of an arm has a single seed.

    Raises:
        ValueError: The tasks differ, there is none, one has no score, or one is not finite.
    """
    return _bootstrap_pair(x, y, rng, _chances, n_resamples)


def best_of(arms: Mapping[str, Scores]) -> Scores:
    """Return a virtual arm with the best arm's scores on each task.

    The best arm of a task is the one with the highest mean there; of several, the first by name.
    As a baseline it is favoured: it is chosen on the very scores that it is then judged by, so its
    mean leans upwards, and an arm that beats it has beaten more than any single arm. Intervals
    take the choice as given.

    Args:
        arms: Name to scores, of the same tasks.

    Raises:
        ValueError: There is no arm, the tasks differ, one has no score, or one is not finite.
    """
    check_same_tasks(list(arms.values()))
    names = sorted(arms)
    means = np.array([[values.mean() for values in check_tasks(arms[name])] for name in names])
    winners = means.argmax(axis=0)  # the first of equals
    return {
        task: np.asarray(arms[names[winner]][task], dtype=np.float64)
        for task, winner in zip(sorted(arms[names[0]]), winners, strict=True)
    }


def _bootstrap_pair(
    x: Scores,
    y: Scores,
    rng: np.random.Generator,
    statistic: Callable[[Sequence[Array], Sequence[Array]], Array],
    n_resamples: int,
) -> Interval | None:
    check_same_tasks([x, y])
    drawn_x = resample_tasks(check_tasks(x), rng, n_resamples)
    drawn_y = resample_tasks(check_tasks(y), rng, n_resamples)
    if drawn_x is None or drawn_y is None:
        return None
    return percentiles(statistic(drawn_x, drawn_y))


def _point(over_resamples: Callable[[Sequence[Array]], Array], scores: Scores) -> float:
    return float(over_resamples(as_drawn(check_tasks(scores)))[0])


def _each(statistic: Statistic, tasks: Sequence[str], samples: Sequence[Array]) -> Array:
    if statistic in _OVER_RESAMPLES:
        return _OVER_RESAMPLES[statistic](samples)
    resamples = zip(*samples, strict=True)
    return np.array([statistic(dict(zip(tasks, drawn, strict=True))) for drawn in resamples])


def _iqms(samples: Sequence[Array]) -> Array:
    sizes = [values.shape[1] for values in samples]
    common = math.lcm(*sizes)
    pooled = np.concatenate(samples, axis=1)
    order = np.argsort(pooled, axis=1)
    repeats = np.repeat([common // size for size in sizes], sizes)[order]
    after = np.cumsum(repeats, axis=1)
    total = common * len(sizes)
    cut = int(TRIM * total)
    kept = np.minimum(after, total - cut) - np.maximum(after - repeats, cut)
    weights = np.maximum(kept, 0) / (total - 2 * cut)
    ordered = np.take_along_axis(pooled, order, axis=1)
    return np.asarray((weights * ordered).sum(axis=1), dtype=np.float64)


def _means(samples: Sequence[Array]) -> Array:
    return np.asarray(_task_means(samples).mean(axis=0), dtype=np.float64)


def _medians(samples: Sequence[Array]) -> Array:
    return np.asarray(np.median(_task_means(samples), axis=0), dtype=np.float64)


def _gaps(samples: Sequence[Array], gamma: float = 1.0) -> Array:
    return gamma - _means([np.minimum(values, gamma) for values in samples])


def _task_means(samples: Sequence[Array]) -> Array:
    return np.stack([values.mean(axis=1) for values in samples])  # tasks, resamples


def _chances(x: Sequence[Array], y: Sequence[Array]) -> Array:
    return np.asarray(np.mean(list(map(wins, x, y)), axis=0), dtype=np.float64)


_OVER_RESAMPLES: dict[Statistic, Callable[[Sequence[Array]], Array]] = {
    aggregate_iqm: _iqms,
    aggregate_mean: _means,
    aggregate_median: _medians,
    optimality_gap: _gaps,
}
