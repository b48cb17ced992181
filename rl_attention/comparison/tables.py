"""The tables of a report, once for HTML and Markdown."""

from dataclasses import dataclass

from rl_attention.comparison.arms import ArmSummary, Estimate, Reach, ZeroShot
from rl_attention.comparison.over_tasks import OverallVersus
from rl_attention.comparison.published import Published
from rl_attention.comparison.resampling import Interval
from rl_attention.comparison.suite import SuiteSummary, TaskSummary
from rl_attention.comparison.summary import Versus

DASH = "-"
_METRIC = {"success_rate": "success", "mean_reward": "return"}


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names the row.

    Args:
        caption: What it shows.
        columns: Headings.
        rows: As many cells each.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tasks_table(summary: SuiteSummary) -> Table:
    """Lay out what was compared.

    Args:
        summary: The suite.
    """
    rows = [
        (
            task.task,
            task.env,
            ", ".join(task.arms),
            _range([len(arm.seeds) for arm in task.arms.values()]),
            _range([frames for arm in task.arms.values() for frames in arm.frames]),
        )
        for task in summary.tasks.values()
    ]
    columns = ("task", "environment", "arms", "seeds an arm", "frames a run")
    return Table("What was compared", columns, tuple(rows))


def results_table(summary: SuiteSummary) -> Table:
    """Lay out every task by every arm, and in the last column what others have published.

    Args:
        summary: The suite.
    """
    metric = _METRIC[summary.metric]
    rows = []
    for task in summary.tasks.values():
        found = {row.arm: Estimate(row.iqm, row.iqm_interval) for row in task.comparison.rows}
        ours = [estimate(found[arm]) if arm in found else DASH for arm in summary.arms]
        rows.append((task.task, *ours, "; ".join(map(_brief, task.published)) or DASH))
    return Table(
        f"Interquartile mean of {metric} [95 %] by task and arm; by others, see the task for notes",
        ("task", *summary.arms, "published by others"),
        tuple(rows),
    )


def aggregate_table(summary: SuiteSummary) -> Table:
    """Lay out the aggregates over tasks.

    Args:
        summary: The suite.
    """
    rows = [
        (
            row.arm,
            str(len(row.tasks)),
            *map(estimate, (row.iqm, row.mean, row.median, row.optimality_gap)),
        )
        for row in summary.aggregate.rows
    ]
    columns = ("arm", "tasks", "IQM", "mean", "median", "optimality gap")
    caption = f"{_METRIC[summary.metric].capitalize()} over tasks [95 %]"
    return Table(caption, columns, tuple(rows))


def overall_line(versus: OverallVersus, metric: str) -> str:
    """Say how two arms compare over tasks.

    Args:
        versus: The two.
        metric: What the interquartile means are of.
    """
    n = len(versus.tasks)
    return (
        f"{versus.arm} - {versus.baseline} over {n} {'task' if n == 1 else 'tasks'}: IQM "
        f"{_METRIC[metric]} {_signed(versus.difference)}, probability of improvement "
        f"{estimate(versus.probability, 2)}: {versus.verdict}"
    )


def versus_line(versus: Versus, metric: str) -> str:
    """Say how two arms compare on one task.

    Args:
        versus: The two.
        metric: What the interquartile means are of.
    """
    difference = Estimate(versus.difference, versus.interval)
    return (
        f"{versus.arm} - {versus.baseline}: IQM {_METRIC[metric]} {_signed(difference)}: "
        f"{versus.verdict}"
    )


def scores_table(task: TaskSummary) -> Table:
    """Lay out what the arms reached.

    Args:
        task: The task.
    """
    chances = {row.arm: row.probability_of_improvement for row in task.comparison.rows}
    rows = [
        (
            arm.arm,
            str(len(arm.seeds)),
            f"{arm.success_mean:.3f}",
            estimate(arm.success_iqm),
            estimate(arm.mean_reward),
            DASH if arm.reward_std is None else f"{arm.reward_std:.3f}",
            f"{arm.episode_std:.3f}",
            _maybe(chances[arm.arm], "{:.2f}"),
        )
        for arm in task.arms.values()
    ]
    columns = (
        "arm",
        "seeds",
        "mean success",
        "IQM success [95 %]",
        "mean return [95 %]",
        "sd over seeds",
        "sd over episodes",
        f"P(> {task.comparison.baseline})",
    )
    return Table(f"{task.task}: evaluation after training", columns, tuple(rows))


def cost_table(task: TaskSummary) -> Table:
    """Lay out how soon the arms learned, and what they cost.

    Args:
        task: The task.
    """
    rows = [
        (
            arm.arm,
            reach(arm.frames_to_90, arm),
            reach(arm.frames_to_95, arm),
            reach(arm.seconds_to_95, arm),
            f"{arm.parameters:,}",
            f"{arm.fps:,.0f}",
            _maybe(arm.operations, "{:,.0f}"),
        )
        for arm in task.arms.values()
    ]
    columns = (
        "arm",
        "frames to 90 %",
        "frames to 95 %",
        "seconds to 95 %",
        "parameters",
        "frames/s",
        "operations",
    )
    return Table(
        f"{task.task}: learning speed and cost; operations are those of one decision",
        columns,
        tuple(rows),
    )


def zero_shot_table(task: TaskSummary) -> Table | None:
    """Lay out the tests on what was never trained; None where there is none.

    Args:
        task: The task.
    """
    tests = sorted({test for arm in task.arms.values() for test in arm.zero_shot})
    rows = [(test, arm.arm, *_outcome(arm, test)) for test in tests for arm in task.arms.values()]
    columns = ("test", "arm", "seeds", "success [95 %]", "return [95 %]", "gap [95 %]")
    caption = f"{task.task}: zero-shot tests; the gap is trained success minus test success"
    return Table(caption, columns, tuple(rows)) if rows else None


def published_table(task: TaskSummary) -> Table | None:
    """Lay out what others have published; None where nothing is known.

    Args:
        task: The task.
    """
    rows = [
        (
            found.source,
            _number(found),
            _MEASURES.get(found.measure, found.measure),
            _maybe(found.frames, "{:,}"),
            _maybe(found.seeds, "{}"),
            found.note,
        )
        for found in task.published
    ]
    columns = ("source", "published by others", "measure", "frames", "seeds", "note")
    caption = f"{task.env}: published by others, not measured here"
    return Table(caption, columns, tuple(rows)) if rows else None


def settings_table(summary: SuiteSummary, *, common: bool) -> Table:
    """Lay out settings: those that differ, or those that all runs have in common.

    Args:
        summary: The suite.
        common: Which of the two.
    """
    found = [setting for setting in summary.settings if (setting.runs == "all") == common]
    if common:
        rows = tuple((setting.key, setting.value) for setting in found)
        return Table("Settings that all runs have in common", ("setting", "value"), rows)
    differing = tuple((setting.key, setting.value, setting.runs) for setting in found)
    return Table("Settings that differ", ("setting", "value", "runs"), differing)


def versions_table(summary: SuiteSummary) -> Table:
    """Lay out the versions of packages.

    Args:
        summary: The suite.
    """
    rows = tuple((package, ", ".join(found)) for package, found in summary.versions.items())
    return Table("Versions", ("package", "version"), rows)


def estimate(found: Estimate, digits: int = 3) -> str:
    """Write an estimate with its interval.

    Args:
        found: The estimate.
        digits: Decimals.
    """
    return f"{found.value:.{digits}f} {_interval(found.interval, digits)}"


def reach(found: Reach, arm: ArmSummary) -> str:
    """Write a median of frames or seconds, its interval, and how many seeds got there if not all.

    Args:
        found: The median.
        arm: The arm that it is of.
    """
    n = len(arm.seeds)
    text = "not reached" if found.median is None else f"{found.median:,.0f}"
    if found.interval is not None and found.n_reached:
        low, high = (_maybe(end, "{:,.0f}", "never") for end in found.interval)
        text += f" [{low}, {high}]"
    return text if found.n_reached == n else f"{text} ({found.n_reached}/{n} seeds)"


_MEASURES = {"mean_reward": "mean return", "success_rate": "success rate"}


def _number(found: Published) -> str:
    return f"{found.value:.3f}" if found.measure in _MEASURES else f"{found.value:g}"


def _brief(found: Published) -> str:
    name = found.source.split(" (")[0]
    return f"{_number(found)} {_MEASURES.get(found.measure, found.measure)} ({name})"


def _outcome(arm: ArmSummary, test: str) -> tuple[str, str, str, str]:
    found: ZeroShot | None = arm.zero_shot.get(test)
    if found is None:
        return (DASH,) * 4
    return (
        str(len(found.seeds)),
        estimate(found.success_rate),
        estimate(found.mean_reward),
        _signed(found.gap),
    )


def _signed(found: Estimate) -> str:
    return f"{found.value:+.3f} {_interval(found.interval, 3)}"


def _interval(interval: Interval | None, digits: int) -> str:
    if interval is None:
        return "[one seed]"
    return f"[{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _maybe(value: float | None, form: str, otherwise: str = DASH) -> str:
    return otherwise if value is None else form.format(value)


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
