"""The comparison as a table for a terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rl_attention.comparison.resampling import Interval
from rl_attention.comparison.suite import SuiteSummary
from rl_attention.comparison.summary import Comparison, Row
from rl_attention.comparison.tables import aggregate_table, overall_line

_NAMES = {"success_rate": "success", "mean_reward": "return"}


def render_table(comparison: Comparison) -> RenderableType:
    """Lay out a comparison for rich: the table, a line for each pair of arms, the warnings.

    Args:
        comparison: What `compare` found.
    """
    metric = _NAMES[comparison.metric]
    table = Table(title=comparison.env, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("arm", no_wrap=True)
    for heading in (
        "seeds",
        "success",
        "return",
        "frames\nto 90 %",
        f"IQM {metric}\n[95 %]",
        f"P(>\n{comparison.baseline})",
        "parameters",
        "frames/s",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in comparison.rows:
        # as text: rich would take `[one seed]` for markup
        table.add_row(*(Text(cell) for cell in (row.arm, *_cells(row))))
    lines = [_versus_line(comparison, index, metric) for index in range(len(comparison.versus))]
    lines += [f"note: {warning}" for warning in comparison.warnings]
    return Group(table, *(Text(line) for line in lines))


def render_over_tasks(summary: SuiteSummary) -> RenderableType:
    """Lay out all tasks together for rich: a row for each arm, a line for each pair, the caveats.

    Args:
        summary: What `summarise_suite` found.
    """
    found = aggregate_table(summary)
    title = f"{len(summary.tasks)} tasks together"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column(found.columns[0], no_wrap=True)
    for heading in found.columns[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(*map(Text, row))
    lines = [overall_line(versus, summary.metric) for versus in summary.aggregate.versus]
    lines += [f"note: {warning}" for warning in summary.warnings]
    return Group(table, *map(Text, lines))


def format_frames(row: Row) -> str:
    """Write the median of frames to 90 %, and how many seeds got there if not all did."""
    shown = "not reached" if row.frames_to_90 is None else f"{row.frames_to_90:,.0f}"
    n = len(row.seeds)
    return shown if row.n_reached == n else f"{shown} ({row.n_reached}/{n})"


def _cells(row: Row) -> list[str]:
    chance = row.probability_of_improvement
    return [
        str(len(row.seeds)),
        f"{row.success_rate:.3f}",
        f"{row.mean_reward:.3f}",
        format_frames(row),
        f"{row.iqm:.3f} {_interval(row.iqm_interval)}",
        "-" if chance is None else f"{chance:.2f}",
        f"{row.parameters:,}",
        f"{row.fps:,.0f}",
    ]


def _versus_line(comparison: Comparison, index: int, metric: str) -> str:
    versus = comparison.versus[index]
    return (
        f"{versus.arm} - {versus.baseline}: IQM {metric} {versus.difference:+.3f} "
        f"{_interval(versus.interval)}: {versus.verdict}"
    )


def _interval(interval: Interval | None) -> str:
    return "[one seed]" if interval is None else f"[{interval.low:.3f}, {interval.high:.3f}]"
