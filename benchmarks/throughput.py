"""Training speed of attention beside the textbook's, RL Zoo's and an MLP's: one table of ratios.

Usage: python -m benchmarks.throughput [--json FILE] [--repeats N] [--quick]
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import torch

from benchmarks.arms import Arm, Settings, make_arms, our_config
from benchmarks.extractor_speed import N_OBSERVATIONS, make_extractor_timers
from benchmarks.floor import SKINNY, SQUARE, count_operations, make_rate_timer
from benchmarks.measure import (
    Spread,
    describe_machine,
    format_aims,
    format_table,
    interleave,
    json_option,
    named_aims,
    named_spreads,
    quick_option,
    repeats_option,
    spread,
    spread_of_ratio,
    threads_option,
    warn_if_busy,
)
from benchmarks.training_speed import Trainee
from rl_attention.errors import UserError
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.environments import check_env
from rl_attention.files import write_json

DEFAULT_ARM = "attention"

AIMS = {
    "attention_over_textbook": (">=", 25.0),
    "attention_over_zoo": (">=", 3.0),
    "attention_over_mlp": (">=", 0.7),
    "mlp_over_zoo": (">=", 4.5),
    "extractor_speedup": (">=", 20.0),
    "extractor_speedup_unmerged": (">=", 20.0),
    "floor_distance": ("<=", 4.0),
    "floor_distance_skinny": ("<=", 4.0),
}

Series = dict[str, list[float]]


class Measured(NamedTuple):
    """What one run found.

    Attributes:
        frames: Frames a second of each arm, by repeat.
        rollout_shares: Share of the time that rollouts took, by arm and repeat.
        passes: Seconds of one pass of the extractors alone, by repeat.
        rates: Matrix operations a second, `square` and `skinny`, by repeat.
        operations: Matrix operations a frame of the default arm.
        parameters: Trainable numbers of each arm's policy.
    """

    frames: Series
    rollout_shares: Series
    passes: Series
    rates: Series
    operations: float
    parameters: dict[str, int]


@click.command()
@click.option("--env", "env_id", default="MiniGrid-DoorKey-6x6-v0", show_default=True)
@click.option(
    "--backend",
    type=click.Choice(["envpool", "auto", "gymnasium"]),
    default="envpool",
    show_default=True,
    help="Who steps the environments of our arms.",
)
@click.option(
    "--zoo-envs",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Environments of RL Zoo's arm; its own setting is 8.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where the networks are; the aims are for the CPU.",
)
@threads_option
@repeats_option
@quick_option
@json_option
def main(
    env_id: str,
    backend: str,
    zoo_envs: int,
    device: str,
    threads: int,
    repeats: int | None,
    quick: bool,
    json_file: Path | None,
) -> None:
    """Compare training speeds, in one run."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    machine = describe_machine(threads)
    warn_if_busy(machine)
    try:
        settings = make_settings(env_id, backend, threads, zoo_envs, device, quick=quick)
        check_env(our_config(settings).env)
        arms = make_arms(settings)
        measured = measure(arms, settings, repeats or (2 if quick else 5), quick=quick)
    except UserError as error:
        raise click.ClickException(str(error)) from None
    found = named_ratios(measured)
    click.echo(format_table(table_rows(arms, measured, found["extractor_speedup"])))
    click.echo(f"\n{format_aims(found, AIMS)}")
    click.echo(f"\n{describe_floor(measured, found)}")
    if json_file is not None:
        ratios = {name: ratios_of_arm(name, arms[name].mlp, measured.frames) for name in arms}
        details: dict[str, Any] = {
            "aims": named_aims(AIMS),
            "arms": {
                name: {"label": arms[name].label, **named_spreads(found)}
                for name, found in ratios.items()
            },
            "operations_per_frame": measured.operations,
            "machine": machine,
        }
        write_json(json_file, {**named_spreads(found), **details})


def make_settings(
    env_id: str, backend: str, threads: int, zoo_envs: int, device: str = "cpu", *, quick: bool
) -> Settings:
    """Choose the sizes.

    Args:
        env_id: The environment.
        backend: Who steps the environments of our arms.
        threads: Threads of the fast environments.
        zoo_envs: Environments of RL Zoo's arm.
        device: Where the networks are.
        quick: Take tiny ones.
    """
    if not quick:
        return Settings(env_id, backend, threads, zoo_envs=zoo_envs, device=device)
    return Settings(
        env_id,
        backend,
        threads,
        n_envs=4,
        textbook_envs=2,
        zoo_envs=4,
        device=device,
        frames=32,
        batch_size=16,
        n_epochs=1,
    )


def measure(
    arms: Mapping[str, Arm], settings: Settings, repeats: int, *, quick: bool = False
) -> Measured:
    """Let all arms train by turns, and the extractors and matrix products among them.

    Args:
        arms: The arms by name.
        settings: What they have in common.
        repeats: How often each has its turn.
        quick: Keep what is timed beside the arms short.
    """
    trainees = {}
    for name, arm in arms.items():
        click.echo(f"warming up {arm.label}", err=True)
        trainees[name] = Trainee(arm.make(), frames=settings.frames)
        trainees[name].warm_up()
    count = 16 if quick else N_OBSERVATIONS
    extractors = make_extractor_timers(settings, n_observations=count, quick=quick)
    rates = {"square": SQUARE, "skinny": SKINNY}
    work: dict[tuple[str, str], Callable[[], float]] = {
        **{("frames", name): trainee.frames_per_second for name, trainee in trainees.items()},
        **{("passes", name): timer for name, timer in extractors.items()},
        **{("rates", name): make_rate_timer(shape, quick=quick) for name, shape in rates.items()},
    }
    found = interleave(work, repeats, say=partial(click.echo, err=True))
    default = trainees[DEFAULT_ARM]
    measured = Measured(
        {name: found["frames", name] for name in trainees},
        {name: trainee.rollout_shares for name, trainee in trainees.items()},
        {name: found["passes", name] for name in extractors},
        {name: found["rates", name] for name in rates},
        count_operations(default.train_one_rollout) / settings.frames,
        {name: _count_parameters(trainee) for name, trainee in trainees.items()},
    )
    for trainee in trainees.values():
        trainee.close()
    return measured


def _count_parameters(trainee: Trainee) -> int:
    return sum(p.numel() for p in trainee.model.policy.parameters() if p.requires_grad)


def named_ratios(measured: Measured) -> dict[str, Spread]:
    """Compute the ratios that have an aim.

    Args:
        measured: What the run found.
    """
    ours = ratios_of_arm(DEFAULT_ARM, "mlp", measured.frames)
    mlp = ratios_of_arm("mlp", None, measured.frames)
    passes = measured.passes
    # a frame takes 1 / frames seconds; the floor is operations / rate of them
    work = [frames * measured.operations for frames in measured.frames[DEFAULT_ARM]]
    return {
        "attention_over_textbook": ours["over_textbook"],
        "attention_over_zoo": ours["over_zoo"],
        "attention_over_mlp": ours["over_mlp"],
        "mlp_over_zoo": mlp["over_zoo"],
        "extractor_speedup": spread_of_ratio(passes["textbook"], passes["attention"]),
        "extractor_speedup_unmerged": spread_of_ratio(passes["textbook"], passes["unmerged"]),
        "floor_distance": spread_of_ratio(measured.rates["square"], work),
        "floor_distance_skinny": spread_of_ratio(measured.rates["skinny"], work),
    }


def ratios_of_arm(name: str, mlp: str | None, frames: Series) -> dict[str, Spread]:
    """Divide the speed of an arm by that of the others.

    Args:
        name: The arm.
        mlp: The mlp arm of its size, if it has one.
        frames: Frames a second of each arm, by repeat.
    """
    others = {"over_textbook": "textbook", "over_zoo": "zoo"}
    if mlp is not None:
        others["over_mlp"] = mlp
    return {key: spread_of_ratio(frames[name], frames[other]) for key, other in others.items()}


def table_rows(arms: Mapping[str, Arm], measured: Measured, speedup: Spread) -> list[list[str]]:
    """Lay out the table: an arm a row, the last row the extractor alone.

    Args:
        arms: The arms by name.
        measured: What the run found.
        speedup: Of the extractor alone over the textbook's.
    """
    columns = ("over_textbook", "over_zoo", "over_mlp")
    rows = [
        [
            "training frames a second",
            "over (a)",
            "over (b)",
            "over mlp of its size",
            "parameters",
            "rollout's share",
        ]
    ]
    for name, arm in arms.items():
        ratios = ratios_of_arm(name, arm.mlp, measured.frames)
        cells = [str(ratios[column]) if column in ratios else "-" for column in columns]
        share = spread(measured.rollout_shares[name]).median
        rows.append([arm.label, *cells, f"{measured.parameters[name]:,}", f"{share:.0%}"])
    rows.append(["extractor of (d) alone, a pass", str(speedup), "-", "-", "-", "-"])
    return rows


def describe_floor(measured: Measured, found: Mapping[str, Spread]) -> str:
    """Say how far the default arm is from what its matrix products alone would take.

    Args:
        measured: What the run found.
        found: The ratios by name.
    """
    square, skinny = (spread(measured.rates[kind]).median / 1e9 for kind in ("square", "skinny"))
    return (
        f"The floor of (d): {measured.operations / 1e6:.2f} million matrix operations a frame, "
        "counted over one whole rollout and its update.\n"
        f"This machine multiplies {square:.0f} billion a second at {_shape(SQUARE)} and "
        f"{skinny:.0f} at {_shape(SKINNY)}:\n"
        f"a frame takes {found['floor_distance']} times what it would at the first rate, and "
        f"{found['floor_distance_skinny']} times at the second."
    )


def _shape(shape: tuple[int, int, int]) -> str:
    return " x ".join(str(size) for size in shape)


if __name__ == "__main__":
    main()
