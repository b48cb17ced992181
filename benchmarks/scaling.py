"""What a pass forward and back costs as tokens grow, for global, local and latent attention.

Usage: python -m benchmarks.scaling [--json FILE] [--plot FILE] [--repeats N] [--quick]
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.measure import (
    Spread,
    describe_machine,
    format_aims,
    format_table,
    interleave,
    json_option,
    named_aims,
    named_spreads,
    passes_to_last,
    quick_option,
    repeats_option,
    seconds_a_pass,
    spread,
    spread_of_ratio,
    threads_option,
    warn_if_busy,
)
from benchmarks.memory import peak_memory
from benchmarks.passes import KINDS, make_pass
from rl_attention.files import write_json

SIZES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
QUICK_SIZES = (8, 512)
FITTED_FROM = 128

AIMS = {
    "latent_exponent": ("<=", 1.15),
    "local_exponent": ("<=", 1.15),
    "latent_memory_ratio": ("<=", 1 / 8),
}

_LEAST_SECONDS = 0.1

Point = tuple[str, int]
"""A kind of attention and a number of tokens."""


@click.command()
@threads_option
@repeats_option
@quick_option
@json_option
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the curves to this file; needs matplotlib.",
)
def main(
    threads: int,
    repeats: int | None,
    quick: bool,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Measure the growth of time and memory with the number of tokens."""
    torch.set_num_threads(threads)
    machine = describe_machine(threads)
    warn_if_busy(machine)
    sizes = QUICK_SIZES if quick else SIZES
    memory = measure_memory(sizes, threads)
    times = measure_times(sizes, repeats or (2 if quick else 5), 0.0 if quick else _LEAST_SECONDS)
    exponents = {f"{kind}_exponent": fit_exponents(times, kind, sizes) for kind in KINDS}
    ratio = memory["latent", sizes[-1]] / memory["global", sizes[-1]]
    found = {**exponents, "latent_memory_ratio": Spread(ratio, ratio, ratio)}
    points = relative_points(times, memory)
    click.echo(format_table(table_rows(points, sizes)))
    click.echo(f"\nglobal_exponent {exponents['global_exponent']}")
    click.echo(format_aims({name: found[name] for name in AIMS}, AIMS))
    if json_file is not None:
        details = {"aims": named_aims(AIMS), "points": points, "machine": machine}
        write_json(json_file, {**named_spreads(found), **details})
    if plot_file is not None:
        draw(points, plot_file)


def measure_memory(sizes: Sequence[int], threads: int) -> dict[Point, int]:
    """Measure the peak memory of each kind and size, in a process each.

    Args:
        sizes: Numbers of tokens.
        threads: Threads of torch.
    """
    found = {}
    for kind in KINDS:
        click.echo(f"memory of {kind}", err=True)
        for size in sizes:
            found[kind, size] = peak_memory(kind, size, threads=threads)
    return found


def measure_times(
    sizes: Sequence[int], repeats: int, least_seconds: float
) -> dict[Point, list[float]]:
    """Time a pass of each kind and size by turns.

    Args:
        sizes: Numbers of tokens.
        repeats: How often each has its turn.
        least_seconds: How long a turn should last.

    Returns:
        Seconds a pass, by kind and size, in the order of the repeats.
    """
    work = {}
    for size in sizes:
        click.echo(f"warming up {size} tokens", err=True)
        for kind in KINDS:
            run = make_pass(kind, size)
            passes = passes_to_last(run, least_seconds)
            work[kind, size] = partial(seconds_a_pass, run, passes)
    return interleave(work, repeats, say=partial(click.echo, err=True))


def fit_exponents(
    times: Mapping[Point, Sequence[float]], kind: str, sizes: Sequence[int]
) -> Spread:
    """Fit `time = constant * tokens ** exponent` to each repeat.

    Args:
        times: Seconds a pass.
        kind: The kind of attention.
        sizes: Numbers of tokens; those below `FITTED_FROM` are left out, if two others are there.
    """
    long = [size for size in sizes if size >= FITTED_FROM]
    fitted = long if len(long) > 1 else list(sizes)
    repeats = zip(*(times[kind, size] for size in fitted), strict=True)
    return spread([slope(fitted, repeat) for repeat in repeats])


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Fit a line to the logarithms by least squares and give its slope.

    Args:
        sizes: At least two different sizes.
        costs: What each costs.
    """
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    rise = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return rise / sum((a - mean_x) ** 2 for a in x)


def relative_points(
    times: Mapping[Point, Sequence[float]], memory: Mapping[Point, int]
) -> list[dict[str, Any]]:
    """List what was measured, times as multiples of the shortest pass of global attention.

    Args:
        times: Seconds a pass.
        memory: Bytes.
    """
    unit = times["global", min(size for _, size in times)]
    found = {point: spread_of_ratio(values, unit) for point, values in times.items()}
    return [
        {
            "attention": kind,
            "tokens": size,
            "time": value.median,
            "time_spread": [value.low, value.high],
            "memory_bytes": memory[kind, size],
        }
        for (kind, size), value in found.items()
    ]


def table_rows(points: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> list[list[str]]:
    """Lay out the table: a number of tokens a row.

    Args:
        points: What `relative_points` gave.
        sizes: Numbers of tokens.
    """
    by_point = {(point["attention"], point["tokens"]): point for point in points}
    heading = ["tokens"]
    heading += [f"{kind}: time / global at {sizes[0]}" for kind in KINDS]
    heading += [f"{kind}: MiB" for kind in KINDS]
    rows = [heading]
    for size in sizes:
        found = [by_point[kind, size] for kind in KINDS]
        times = [str(Spread(point["time"], *point["time_spread"])) for point in found]
        peaks = [f"{point['memory_bytes'] / 2**20:.1f}" for point in found]
        rows.append([str(size), *times, *peaks])
    return rows


def draw(points: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw the curves, or say what is missing.

    Args:
        points: What `relative_points` gave.
        file: Where the picture goes.
    """
    try:
        from benchmarks.plot import draw_scaling
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        click.echo("--plot: no picture, as matplotlib is missing: pip install matplotlib", err=True)
        return
    draw_scaling(points, file)


if __name__ == "__main__":
    main()
