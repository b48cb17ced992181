"""What a report says and in which order, once for HTML and Markdown."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rl_attention.comparison.figures import draw_aggregate, draw_curves, draw_profiles
from rl_attention.comparison.maps import draw_maps
from rl_attention.comparison.settings import shown
from rl_attention.comparison.suite import SuiteSummary, TaskSummary
from rl_attention.comparison.tables import (
    Table,
    aggregate_table,
    cost_table,
    overall_line,
    published_table,
    results_table,
    scores_table,
    settings_table,
    tasks_table,
    versions_table,
    versus_line,
    zero_shot_table,
)

TITLE = "Comparison of finished runs"


@dataclass(frozen=True)
class Image:
    """A figure.

    Args:
        source: The address of an image that lies in the page itself.
        alt: What it shows, for those who cannot see it.
        caption: What stands below it.
    """

    source: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page, in the order of its fields.

    Args:
        name: Its address in the page.
        title: Its heading.
        paragraphs: Text.
        lines: A list.
        images: Figures.
        tables: Tables.
        code: Text that can be pasted into a shell.
    """

    name: str
    title: str
    paragraphs: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    tables: tuple[Table, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Args:
        title: Its heading.
        sections: Its parts.
    """

    title: str
    sections: tuple[Section, ...] = field(default=())


def lay_out(
    summary: SuiteSummary, *, title: str = TITLE, command: str = "", images: bool = True
) -> Page:
    """Lay a report out.

    Args:
        summary: What `summarise_suite` found.
        title: Heading.
        command: What reproduces the runs.
        images: Whether figures are drawn.

    Raises:
        UserError: A file of a run folder is damaged.
    """
    tasks = enumerate(summary.tasks.values(), start=1)
    return Page(
        title=shown(title),
        sections=(
            _compared(summary),
            _reading(summary),
            _warnings(summary),
            _over_tasks(summary, images),
            *(_task(summary, task, f"task-{number}", images) for number, task in tasks),
            _settings(summary),
            Section("command", "Command", code=shown_command(command)),
        ),
    )


def shown_command(command: str) -> str:
    """Write a command of several lines as text that steers nothing.

    Args:
        command: The command.
    """
    lines = command.splitlines()
    return "\n".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in s) for s in lines)


def _compared(summary: SuiteSummary) -> Section:
    n_tasks, n_arms, n_runs = len(summary.tasks), len(summary.arms), len(summary.runs)
    text = (
        f"{_count(n_runs, 'run')}: {_count(n_tasks, 'task')}, {_count(n_arms, 'arm')} "
        f"({', '.join(summary.arms)}). The arm to compare with is {summary.baseline}."
    )
    tables = (tasks_table(summary), results_table(summary))
    return Section("compared", "What was compared", (text,), tables=tables)


def _reading(summary: SuiteSummary) -> Section:
    text = (
        "The unit is the seed. IQM is the interquartile mean: the mean without the lowest and the "
        f"highest quarter. Brackets hold {100 * summary.level:g} % percentile bootstrap intervals "
        f"({summary.n_resamples:,} resamples); over tasks they are stratified, so that seeds are "
        "drawn within each task, and speak of these tasks only; one seed, also of one task among "
        "several, gives no interval. An arm is called better only "
        "where the interval of the difference excludes zero, and a loss is told in the same words "
        "as a win; intervals are not corrected for the number of comparisons. Frames to a success "
        "rate are those of training, and a seed that never got there counts as later than any. A "
        "dash means that a number does not apply or was not measured. Numbers published by others "
        "come from other algorithms, budgets and observations, and are not part of any statistic."
    )
    return Section("reading", "How to read it", (text,))


def _warnings(summary: SuiteSummary) -> Section:
    none = () if summary.warnings else ("None.",)
    return Section("warnings", "Warnings", none, tuple(summary.warnings))


def _over_tasks(summary: SuiteSummary, images: bool) -> Section:
    found = summary.aggregate
    lines = tuple(overall_line(versus, summary.metric) for versus in found.versus)
    text = (
        "Each arm over the tasks that it shares with the baseline. The optimality gap is what is "
        "missing to a score of 1: lower is better."
    )
    best = (
        "A virtual arm, best of several, has on each task the scores of the arm with the highest "
        "mean there. It is chosen on the scores that it is judged by, which favours it."
    )
    virtual = any(row.arm not in summary.arms for row in found.rows)
    drawn: tuple[Image, ...] = ()
    if images:
        arms = ", ".join(row.arm for row in found.rows)
        drawn = (
            Image(
                draw_aggregate(summary),
                f"Aggregates over tasks with their intervals for {arms}; the numbers stand in the "
                "table of this section",
                "Aggregates over tasks; the bar is the 95 % interval.",
            ),
            Image(
                draw_profiles(summary),
                f"Performance profiles of {arms}: share of runs above each score",
                "Performance profiles: share of runs above a score, the mean over tasks, with "
                "pointwise 95 % bands. Higher is better.",
            ),
        )
    return Section(
        "over-tasks",
        "All tasks together",
        (text, best) if virtual else (text,),
        lines,
        drawn,
        (aggregate_table(summary),),
    )


def _task(summary: SuiteSummary, task: TaskSummary, name: str, images: bool) -> Section:
    optional: tuple[Callable[[TaskSummary], Table | None], ...] = (
        zero_shot_table,
        published_table,
    )
    further = (table for make in optional if (table := make(task)) is not None)
    lines = tuple(versus_line(versus, summary.metric) for versus in task.comparison.versus)
    drawn, missing = _task_images(summary, task) if images else ((), ())
    return Section(
        name,
        task.task,
        (f"Environment {task.env}.", *missing),
        lines,
        drawn,
        (scores_table(task), cost_table(task), *further),
    )


def _task_images(
    summary: SuiteSummary, task: TaskSummary
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Draw what can be drawn, and say what cannot."""
    drawn: list[Image] = []
    told: list[str] = []
    curves, missing = draw_curves(summary, task.task)
    if curves:
        arms = ", ".join(arm for arm in task.arms if arm not in missing)
        caption = "Success rate in training, mean over seeds with pointwise 95 % bands."
        drawn.append(Image(curves, f"Learning curves of {arms} on {task.task}", caption))
    if missing:
        told.append(f"No learning curve of {', '.join(missing)}: a seed has none.")
    maps = draw_maps([run for run in summary.runs if run.task == task.task])
    if isinstance(maps, str):
        told.append(f"No attention maps: {maps}.")
    else:
        drawn.append(Image(maps.image, f"Attention maps on {task.task}", maps.caption))
    return tuple(drawn), tuple(told)


def _settings(summary: SuiteSummary) -> Section:
    tables = (
        settings_table(summary, common=False),
        settings_table(summary, common=True),
        versions_table(summary),
    )
    untold = sum(not run.settings for run in summary.runs)
    text = f"{_count(untold, 'run')} of an older version did not write its settings down."
    paragraphs = (text,) if untold else ()
    filled = tuple(table for table in tables if table.rows)
    return Section("settings", "Settings and versions", paragraphs, tables=filled)


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
