"""What both benchmarks share: spreads, interleaved timing, tables and files."""

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
import torch

Key = TypeVar("Key")


class Spread(NamedTuple):
    """The median of several repeats, and the lowest and the highest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.3g}"
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def spread(values: Sequence[float]) -> Spread:
    """Summarise the repeats of one measurement."""
    return Spread(statistics.median(values), min(values), max(values))


def spread_of_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Divide repeat by repeat, so that what slowed a whole repeat down cancels out."""
    return spread([n / d for n, d in zip(numerators, denominators, strict=True)])


def interleave(
    work: Mapping[Key, Callable[[], float]],
    repeats: int,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> dict[Key, list[float]]:
    """Do all the work once, then all of it again, and so on.

    Args:
        work: What to do; each gives one number.
        repeats: How often.
        say: Told of each repeat.

    Returns:
        The numbers of each, in the order of the repeats.
    """
    found: dict[Key, list[float]] = {key: [] for key in work}
    for repeat in range(repeats):
        say(f"repeat {repeat + 1} of {repeats}")
        for key, do in work.items():
            gc.collect()
            found[key].append(do())
    return found


def seconds(do: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def seconds_a_pass(do: Callable[[], object], passes: int) -> float:
    """Time several calls and give the mean."""
    return seconds(lambda: [do() for _ in range(passes)]) / passes


def passes_to_last(do: Callable[[], object], least_seconds: float) -> int:
    """Warm up, and count how many calls last long enough to be timed.

    Args:
        do: The call.
        least_seconds: How long they should last together.
    """
    do()
    return max(1, round(least_seconds / seconds(do)))


def default_threads() -> int:
    """Return 2, or 1 where there is but one core."""
    return min(2, os.cpu_count() or 1)


def describe_machine(threads: int) -> dict[str, Any]:
    """Say what the numbers were taken on.

    Args:
        threads: Threads in use.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cores": os.cpu_count(),
        "threads": threads,
        "torch": torch.__version__,
        "load_at_start": load,
    }


def warn_if_busy(machine: Mapping[str, Any]) -> None:
    """Say so where other programs were at work: ratios then mean less."""
    load = machine["load_at_start"]
    if load is not None and load > 0.5:
        click.echo(f"The machine was busy before this began (load {load:.1f}).", err=True)


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def format_aims(found: Mapping[str, Spread], aims: Mapping[str, tuple[str, float]]) -> str:
    """Put each named ratio beside its aim.

    Args:
        found: The ratios by name.
        aims: `>=` or `<=`, and the number, by name.
    """
    rows = [["ratio", "median [lowest, highest]", "aim", ""]]
    for name, value in found.items():
        sign, aim = aims[name]
        met = value.median >= aim if sign == ">=" else value.median <= aim
        rows.append([name, str(value), f"{sign} {aim:g}", "met" if met else "not met"])
    return format_table(rows)


def named_spreads(found: Mapping[str, Spread]) -> dict[str, Any]:
    """Lay out ratios for a JSON file: the medians by name, and the spreads beside them."""
    spreads = {name: [value.low, value.high] for name, value in found.items()}
    return {**{name: value.median for name, value in found.items()}, "spread": spreads}


def named_aims(aims: Mapping[str, tuple[str, float]]) -> dict[str, str]:
    """Lay out aims for a JSON file."""
    return {name: f"{sign} {aim:g}" for name, (sign, aim) in aims.items()}


json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the ratios to this file.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=default_threads,
    show_default="2, or 1 on one core",
    help="Threads of torch, and of the fast environments.",
)
repeats_option = click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=None,
    help="Interleaved repeats.  [default: 5; with --quick 2]",
)
quick_option = click.option(
    "--quick", is_flag=True, help="Tiny sizes, to see that it runs; the numbers mean nothing."
)
