"""Finished runs of several tasks and arms, summarised for a report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rl_attention.comparison.arms import ArmSummary, summarise_arm
from rl_attention.comparison.caveats import find_caveats
from rl_attention.comparison.over_tasks import OverTasks, summarise_over_tasks
from rl_attention.comparison.published import PUBLISHED, Published
from rl_attention.comparison.resampling import LEVEL, N_RESAMPLES
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.selection import select_runs
from rl_attention.comparison.settings import Setting, describe_settings, versions_of
from rl_attention.comparison.summary import Comparison, Metric, compare
from rl_attention.errors import UserError

_BASELINE = "mlp"


@dataclass(frozen=True)
class TaskSummary:
    """One task.

    Args:
        task: Its name.
        env: Environment id.
        published: What others have published for that environment, never mixed with ours.
        comparison: Its arms against the baseline.
        arms: Name to summary.
    """

    task: str
    env: str
    published: tuple[Published, ...]
    comparison: Comparison
    arms: dict[str, ArmSummary]


@dataclass(frozen=True)
class SuiteSummary:
    """All that a report says.

    Args:
        metric: What interquartile means and differences are of.
        baseline: The arm that the others are held against.
        level: Of all intervals.
        n_resamples: Bootstrap resamples behind each.
        warnings: What a reader should know.
        aggregate: All tasks together.
        tasks: Name to summary.
        settings: What the runs have in common, and where they differ.
        versions: Package to the versions that the runs had.
        runs: The runs themselves, each once; not in `to_dict`.
    """

    metric: Metric
    baseline: str
    level: float
    n_resamples: int
    warnings: list[str]
    aggregate: OverTasks
    tasks: dict[str, TaskSummary]
    settings: list[Setting]
    versions: dict[str, list[str]]
    runs: tuple[RunResult, ...] = field(repr=False)

    @property
    def arms(self) -> list[str]:
        """Names of all arms, in order."""
        return sorted({run.arm for run in self.runs})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        data = asdict(replace(self, runs=()))
        del data["runs"]
        return data


def summarise_suite(
    runs: Sequence[RunResult],
    *,
    baseline: str | None = None,
    metric: Metric = "success_rate",
) -> SuiteSummary:
    """Summarise runs of several tasks and arms; the order of the runs changes nothing.

    Args:
        runs: Finished runs. Two entries of the same run count as one.
        baseline: The arm to compare with; by default `mlp`, or the last arm by name.
        metric: What interquartile means and differences are of.

    Raises:
        UserError: There is no run or no such arm, or two runs contradict each other.
    """
    chosen = select_runs(runs)
    names = sorted({run.arm for run in chosen})
    reference = baseline or (_BASELINE if _BASELINE in names else names[-1])
    if reference not in names:
        raise UserError(f"baseline: expected one of {', '.join(names)}, got {reference!r}")
    cells = _by_task(chosen)
    tasks = {task: _summarise_task(task, cells[task], reference, metric) for task in cells}
    versions = versions_of(chosen)
    comparisons = {name: task.comparison for name, task in tasks.items()}
    return SuiteSummary(
        metric=metric,
        baseline=reference,
        level=LEVEL,
        n_resamples=N_RESAMPLES,
        warnings=find_caveats(cells, comparisons, versions, reference, metric),
        aggregate=summarise_over_tasks(chosen, baseline=reference, metric=metric),
        tasks=tasks,
        settings=describe_settings(chosen),
        versions=versions,
        runs=chosen,
    )


def _by_task(runs: Sequence[RunResult]) -> dict[str, dict[str, list[RunResult]]]:
    cells: dict[str, dict[str, list[RunResult]]] = {}
    for run in runs:
        cells.setdefault(run.task, {}).setdefault(run.arm, []).append(run)
    return cells


def _summarise_task(
    task: str, arms: dict[str, list[RunResult]], baseline: str, metric: Metric
) -> TaskSummary:
    runs = [run for found in arms.values() for run in found]
    env = runs[0].env
    comparison = compare(runs, baseline=baseline if baseline in arms else None, metric=metric)
    summaries = {arm: summarise_arm(found) for arm, found in arms.items()}
    return TaskSummary(task, env, PUBLISHED.get(env, ()), comparison, summaries)
