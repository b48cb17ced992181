"""Figures of a report as SVG text: deterministic, and without any state of pyplot."""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
from matplotlib.figure import Figure

from rl_attention.comparison.arms import Estimate
from rl_attention.comparison.curves import average_curves
from rl_attention.comparison.over_tasks import Aggregate
from rl_attention.comparison.streams import stream
from rl_attention.comparison.suite import SuiteSummary

# Okabe and Ito 2008, without yellow, which is lost on white
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", ":", "-.")
_OTHER = ("#6b6b6b", "-")
_METRIC = {"success_rate": "success rate", "mean_reward": "mean return"}

Style = tuple[str, str]


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure in the style of the report, whatever the user's own settings are.

    Args:
        width: Inches.
        height: Inches.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.hashsalt": "rl-attention",
                "svg.fonttype": "path",
                "text.parse_math": False,
                "axes.unicode_minus": False,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "font.size": 9,
                "axes.titlesize": 9,
            }
        )
        yield Figure(figsize=(width, height), layout="constrained")


def to_data_uri(drawn: Figure) -> str:
    """Return a figure as the address of an image that lies in the page itself.

    As an image, SVG can run nothing and fetch nothing, whatever stands in it.

    Args:
        drawn: The figure, within `figure`.
    """
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def styles_of(arms: Sequence[str]) -> dict[str, Style]:
    """Give each arm a colour and a kind of line, the same in every figure of a report.

    Args:
        arms: All arms, in order.
    """
    n = len(_PALETTE)
    return {arm: (_PALETTE[i % n], _LINES[i // n % len(_LINES)]) for i, arm in enumerate(arms)}


def draw_curves(summary: SuiteSummary, task: str) -> tuple[str, list[str]]:
    """Draw the learning curves of a task.

    Args:
        summary: The suite.
        task: The task.

    Returns:
        The image, empty where there is nothing to draw, and the arms that could not be drawn.
    """
    styles, missing = styles_of(summary.arms), []
    with figure(6.4, 3.2) as drawn:
        axes = drawn.add_subplot()
        for arm in summary.tasks[task].arms:
            runs = [run for run in summary.runs if (run.task, run.arm) == (task, arm)]
            band = average_curves([run.curve for run in runs], stream("curve", task, arm))
            if band is None:
                missing.append(arm)
                continue
            colour, line = styles[arm]
            axes.plot(band.frames, band.mean, color=colour, linestyle=line, label=arm)
            if band.low is not None and band.high is not None:
                axes.fill_between(
                    band.frames, band.low, band.high, color=colour, alpha=0.15, linewidth=0
                )
        axes.set(xlabel="frames", ylabel="success rate in training", ylim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(_short_number)
        if len(missing) == len(summary.tasks[task].arms):
            return "", missing
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return to_data_uri(drawn), missing


def draw_aggregate(summary: SuiteSummary) -> str:
    """Draw the aggregates over tasks with their intervals.

    Args:
        summary: The suite.
    """
    styles = styles_of(summary.arms)
    rows = summary.aggregate.rows
    with figure(7.6, 1.05 + 0.28 * len(rows)) as drawn:
        panels = drawn.subplots(1, 4, sharey=True, squeeze=False)[0]
        for axes, (name, pick) in zip(panels, _STATISTICS.items(), strict=True):
            for place, row in enumerate(rows):
                colour, _ = styles.get(row.arm, _OTHER)
                estimate: Estimate = pick(row)
                if estimate.interval is not None:
                    low, high = estimate.interval
                    # a bar, as the ends of a wide line would reach beyond the interval
                    axes.barh(place, high - low, left=low, height=0.3, color=colour, alpha=0.45)
                axes.plot([estimate.value], [place], "o", color=colour, markersize=4)
            axes.set_title(name)
            axes.locator_params(axis="x", nbins=3)
            axes.use_sticky_edges = False  # a bar that ends at the rim looks cut off
            axes.margins(x=0.15)
            axes.grid(axis="x", alpha=0.3, linewidth=0.5)
        panels[0].set_yticks(range(len(rows)), [row.arm for row in rows])
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
        return to_data_uri(drawn)


def draw_profiles(summary: SuiteSummary) -> str:
    """Draw the performance profiles: the share of runs above each score.

    Args:
        summary: The suite.
    """
    styles = styles_of(summary.arms)
    found = summary.aggregate
    with figure(6.4, 3.2) as drawn:
        axes = drawn.add_subplot()
        for profile in found.profiles:
            colour, line = styles[profile.arm]
            axes.step(
                found.thresholds,
                profile.shares,
                where="post",
                color=colour,
                linestyle=line,
                label=profile.arm,
            )
            if profile.low is not None and profile.high is not None:
                axes.fill_between(
                    found.thresholds,
                    profile.low,
                    profile.high,
                    color=colour,
                    alpha=0.15,
                    linewidth=0,
                    step="post",
                )
        metric = _METRIC[summary.metric]
        axes.set(xlabel=metric, ylabel="share of runs above it", ylim=(-0.02, 1.02))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return to_data_uri(drawn)


def _iqm(row: Aggregate) -> Estimate:
    return row.iqm


def _mean(row: Aggregate) -> Estimate:
    return row.mean


def _median(row: Aggregate) -> Estimate:
    return row.median


def _gap(row: Aggregate) -> Estimate:
    return row.optimality_gap


_STATISTICS = {
    "IQM": _iqm,
    "mean": _mean,
    "median": _median,
    "optimality gap\n(lower is better)": _gap,
}


def _short_number(value: float, place: float) -> str:
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
