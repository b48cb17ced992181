"""What a reader of a report should know, in words."""

from collections.abc import Mapping, Sequence

from rl_attention.comparison.arms import kind_of, view_of
from rl_attention.comparison.resampling import TRIM
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.settings import settings_within
from rl_attention.comparison.summary import ENOUGH_SEEDS, Comparison, Metric

TOLERANCE = 1.05
"""How far apart the parameter counts of arms may lie."""

LOST = 0.85
"""Who has reached 90 % and is below this afterwards has lost it."""

_SHOWN = 8


def find_caveats(
    runs: Mapping[str, Mapping[str, Sequence[RunResult]]],
    comparisons: Mapping[str, Comparison],
    versions: Mapping[str, Sequence[str]],
    baseline: str,
    metric: Metric,
) -> list[str]:
    """Say what weakens a comparison; the same words for several tasks come once.

    Args:
        runs: Task, arm, runs.
        comparisons: Task to its comparison, whose own warnings come along.
        versions: Package to the versions that the runs had.
        baseline: The arm that the others are held against.
        metric: What was compared.
    """
    told: dict[str, list[str]] = {}
    for task, arms in runs.items():
        own = comparisons[task]
        for line in [*own.warnings, *_of_task(arms, own, baseline)]:
            told.setdefault(line, []).append(task)
    lines = [
        f"{'all tasks' if 1 < len(tasks) == len(runs) else ', '.join(tasks)}: {line}"
        for line, tasks in told.items()
    ]
    return lines + _over_tasks(runs, metric) + _of_versions(versions)


def _of_task(
    arms: Mapping[str, Sequence[RunResult]], comparison: Comparison, baseline: str
) -> list[str]:
    lines = []
    few = [arm for arm, runs in arms.items() if len(runs) < ENOUGH_SEEDS]
    if 0 < len(few) < len(arms):
        lines.append(f"fewer than {ENOUGH_SEEDS} seeds in: {', '.join(few)}")
    counts = {arm: len(runs) for arm, runs in arms.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{arm} {count}" for arm, count in counts.items())
        lines.append(f"the arms have different numbers of seeds: {listed}{_of_cuts(counts)}")
    if comparison.baseline != baseline:
        lines.append(
            f"no run of {baseline}; there the arms are held against {comparison.baseline}, and "
            "the task does not count over tasks"
        )
    return lines + _of_parameters(arms) + _of_peaks(arms) + _of_settings(arms)


def _of_cuts(counts: Mapping[str, int]) -> str:
    """Say where interquartile means leave out seeds of one arm and not of another."""
    cuts = {count: int(TRIM * count) for count in counts.values()}
    if len(set(cuts.values())) < 2:
        return ""
    said = [f"{cut or 'none'} of {count}" for count, cut in sorted(cuts.items(), reverse=True)]
    return f"; IQM leaves out, at each end, {', '.join(said)}"


def _of_parameters(arms: Mapping[str, Sequence[RunResult]]) -> list[str]:
    sizes = {
        arm: [run.parameters for run in runs]
        for arm, runs in arms.items()
        if kind_of(runs[0]) != "flat" and view_of(runs[0]) != "pixels"
    }
    every = [size for found in sizes.values() for size in found]
    if not every or max(every) <= TOLERANCE * min(every):
        return []
    listed = ", ".join(f"{arm} {max(found):,}" for arm, found in sizes.items())
    return [
        f"parameter counts differ by more than 5 %: {listed} (arms on flat and pixels views are "
        "exempt: the size of their first layer follows from their input)"
    ]


def _of_peaks(arms: Mapping[str, Sequence[RunResult]]) -> list[str]:
    """Say whose frames to 90 % are those of a success that did not last."""
    lost = {
        arm: sum(run.frames_to_90 is not None and run.success_rate < LOST for run in runs)
        for arm, runs in arms.items()
    }
    listed = [f"{arm} {count} of {len(arms[arm])}" for arm, count in lost.items() if count]
    if not listed:
        return []
    return [
        f"90 % in training and below 85 % in the evaluation: {', '.join(listed)} seeds; their "
        "frames to 90 % are those of a peak, or the evaluation acts otherwise"
    ]


def _of_settings(arms: Mapping[str, Sequence[RunResult]]) -> list[str]:
    lines = []
    for arm, runs in arms.items():
        keys = list(settings_within(runs))
        if keys:
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            lines.append(
                f"the runs of {arm} differ in more than the seed: {', '.join(keys[:_SHOWN])}{more}"
            )
    return lines


def _over_tasks(runs: Mapping[str, Mapping[str, Sequence[RunResult]]], metric: Metric) -> list[str]:
    lines = []
    if len({tuple(arms) for arms in runs.values()}) > 1:
        lines.append(
            "the tasks do not have the same arms; over tasks, arms with other tasks do not compare"
        )
    if metric == "mean_reward" and len(runs) > 1:
        lines.append(
            "returns of several tasks have no common scale: what is said over tasks mixes them, "
            "and the optimality gap means nothing"
        )
    return lines


def _of_versions(versions: Mapping[str, Sequence[str]]) -> list[str]:
    mixed = [f"{name} ({', '.join(found)})" for name, found in versions.items() if len(found) > 1]
    return [f"the runs had different versions of {', '.join(mixed)}"] if mixed else []
