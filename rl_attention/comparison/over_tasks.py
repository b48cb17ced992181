"""All tasks together: aggregates, differences to the baseline, performance profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rl_attention.comparison.aggregate import (
    Statistic,
    aggregate_iqm,
    aggregate_mean,
    aggregate_median,
    best_of,
    bootstrap_aggregate,
    bootstrap_difference_over_tasks,
    bootstrap_improvement,
    improvement_over_tasks,
    optimality_gap,
)
from rl_attention.comparison.arms import Estimate, kind_of
from rl_attention.comparison.profiles import bootstrap_profile, performance_profile
from rl_attention.comparison.resampling import Array, Scores
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.streams import stream
from rl_attention.comparison.summary import Metric, judge

CONTROLS = ("mlp", "cnn")
"""The kinds of arms without attention, whose best is a baseline of its own."""

_N_THRESHOLDS = 41


@dataclass(frozen=True)
class Aggregate:
    """One arm over the tasks that it shares with the baseline.

    Args:
        arm: Its name.
        tasks: The tasks.
        iqm: Interquartile mean of all runs.
        mean: Mean over tasks of the mean over seeds.
        median: Median over tasks of the mean over seeds.
        optimality_gap: How far runs fall short of a score of 1; lower is better.
    """

    arm: str
    tasks: list[str]
    iqm: Estimate
    mean: Estimate
    median: Estimate
    optimality_gap: Estimate


@dataclass(frozen=True)
class OverallVersus:
    """One arm against another over the tasks that both have.

    Args:
        arm: Its name.
        baseline: The other's.
        tasks: The tasks.
        difference: Of the interquartile means.
        probability: That a run of the arm beats one of the other on a random task.
        verdict: What may be said.
    """

    arm: str
    baseline: str
    tasks: list[str]
    difference: Estimate
    probability: Estimate
    verdict: str


@dataclass(frozen=True)
class Profile:
    """Share of an arm's runs above each threshold, the mean over tasks.

    Args:
        arm: Its name.
        tasks: The tasks.
        shares: One for each threshold.
        low: Lower end of the pointwise band; None where a task has a single seed.
        high: Its upper end, likewise.
    """

    arm: str
    tasks: list[str]
    shares: list[float]
    low: list[float] | None
    high: list[float] | None


@dataclass(frozen=True)
class OverTasks:
    """All tasks together.

    Args:
        rows: One for each arm that shares a task with the baseline.
        versus: Those arms against the baseline; last, attention against the best of the controls.
        thresholds: Scores at which the profiles are given.
        profiles: One for each row.
    """

    rows: list[Aggregate]
    versus: list[OverallVersus]
    thresholds: list[float]
    profiles: list[Profile]


def summarise_over_tasks(runs: Sequence[RunResult], *, baseline: str, metric: Metric) -> OverTasks:
    """Take all tasks together.

    Args:
        runs: At least one run, of any tasks and arms, in the order of task, arm and seed.
        baseline: The arm that the others are held against.
        metric: The score.
    """
    scores = _scores(runs, metric)
    shared = {arm: _both(scores[arm], scores[baseline])[0] for arm in scores}
    shared = {arm: tasks for arm, tasks in shared.items() if tasks}
    versus = [
        _versus(arm, baseline, *_both(scores[arm], scores[baseline]))
        for arm in shared
        if arm != baseline
    ]
    rows = [_aggregate(arm, tasks) for arm, tasks in shared.items()]
    controls = _controls(runs, scores)
    if controls is not None:
        attention, name, best = controls
        ours, theirs = _both(scores[attention], best)
        versus.append(_versus(attention, name, ours, theirs))
        rows.append(_aggregate(name, theirs))
    levels = _thresholds(shared, metric)
    profiles = [_profile(arm, tasks, levels) for arm, tasks in shared.items()]
    return OverTasks(rows, versus, levels.tolist(), profiles)


def _scores(runs: Sequence[RunResult], metric: Metric) -> dict[str, dict[str, Array]]:
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        found.setdefault(run.arm, {}).setdefault(run.task, []).append(getattr(run, metric))
    return {
        arm: {task: np.array(values, dtype=np.float64) for task, values in found[arm].items()}
        for arm in sorted(found)
    }


def _both(x: Scores, y: Scores) -> tuple[dict[str, Array], dict[str, Array]]:
    """Keep the tasks that both have."""
    tasks = sorted({*x} & {*y})
    return {task: x[task] for task in tasks}, {task: y[task] for task in tasks}


def _controls(
    runs: Sequence[RunResult], scores: Mapping[str, Scores]
) -> tuple[str, str, Scores] | None:
    """Find the first arm with attention, and the best of the controls on the tasks of all."""
    kinds = {run.arm: kind_of(run) for run in runs}
    attention = next((arm for arm in scores if kinds[arm] == "attention"), None)
    names = [kind for kind in CONTROLS if kind in kinds.values()]
    controls = [arm for kind in names for arm in scores if kinds[arm] == kind]
    if attention is None or len(controls) < 2:
        return None
    tasks = set.intersection(*({*scores[arm]} for arm in (attention, *controls)))
    if not tasks:
        return None
    best = best_of({arm: {task: scores[arm][task] for task in tasks} for arm in controls})
    return attention, f"best of {', '.join(controls)}", best


def _aggregate(arm: str, scores: Scores) -> Aggregate:
    def estimate(statistic: Statistic, name: str) -> Estimate:
        interval = bootstrap_aggregate(scores, statistic, stream("over tasks", name, arm))
        return Estimate(statistic(scores), interval)

    return Aggregate(
        arm=arm,
        tasks=sorted(scores),
        iqm=estimate(aggregate_iqm, "iqm"),
        mean=estimate(aggregate_mean, "mean"),
        median=estimate(aggregate_median, "median"),
        optimality_gap=estimate(optimality_gap, "gap"),
    )


def _versus(arm: str, baseline: str, x: Scores, y: Scores) -> OverallVersus:
    interval = bootstrap_difference_over_tasks(x, y, stream("difference", arm, baseline))
    chance = bootstrap_improvement(x, y, stream("improvement", arm, baseline))
    return OverallVersus(
        arm=arm,
        baseline=baseline,
        tasks=sorted(x),
        difference=Estimate(aggregate_iqm(x) - aggregate_iqm(y), interval),
        probability=Estimate(improvement_over_tasks(x, y), chance),
        verdict=judge(arm, baseline, interval),
    )


def _thresholds(arms: Mapping[str, Scores], metric: Metric) -> Array:
    if metric == "success_rate":
        return np.linspace(0.0, 1.0, _N_THRESHOLDS)
    values = np.concatenate([tasks[task] for tasks in arms.values() for task in tasks])
    return np.linspace(values.min(), values.max(), _N_THRESHOLDS)


def _profile(arm: str, scores: Scores, levels: Array) -> Profile:
    band = bootstrap_profile(scores, levels, stream("profile", arm))
    return Profile(
        arm=arm,
        tasks=sorted(scores),
        shares=performance_profile(scores, levels).tolist(),
        low=None if band is None else band.low.tolist(),
        high=None if band is None else band.high.tolist(),
    )
