"""`rl-attention sweep`: tasks x arms x seeds, on one machine or many."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rl_attention.cli.common import json_option, log_folder_option, progress_option
from rl_attention.cli.errors import debug_option
from rl_attention.cli.options import read_value
from rl_attention.cli.suites import (
    Wish,
    parse_seeds,
    results_option,
    run_suite,
    selection_options,
    split_names,
    table_options,
)
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from rl_attention.sweep import Executor

MINUTES = 240

OWNERS = {
    "address": ("ray",),
    "gpus_per_trial": ("ray", "slurm"),
    "batch": ("ray", "slurm"),
    "partition": ("slurm",),
    "time": ("slurm",),
    "slurm_option": ("slurm",),
}
"""Options that not every executor knows, and whose they are."""


@dataclass(frozen=True)
class Choice:
    """What was said about the executor; None: nothing.

    Args:
        executor: Its name.
        address: Of a Ray cluster.
        workers: Trials, tasks or jobs at a time.
        cpus_per_trial: CPUs of each trial.
        gpus_per_trial: GPUs of each.
        retries: How often a trial is tried again.
        batch: Trials that a worker takes one after the other.
        partition: Of a Slurm cluster.
        time: Time limit of a Slurm job.
        slurm_option: Further options of Slurm.
        submitit_cluster: Who stands in for Slurm.
    """

    executor: str
    address: str | None = None
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    retries: int = 3
    batch: int | None = None
    partition: str | None = None
    time: str | None = None
    slurm_option: Sequence[str] = field(default=())
    submitit_cluster: str = "slurm"


@click.command("sweep")
@click.argument("suite", metavar="SUITE")
@click.option(
    "--executor",
    type=click.Choice(["local", "ray", "slurm"]),
    default="local",
    show_default=True,
    help="Who runs the trials: processes of this machine, a Ray cluster, or Slurm.",
)
@click.option("--address", metavar="HOST:PORT", help="Ray: a running cluster. [default: a new one]")
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(min=1),
    help="Trials at a time. [default: as many as fit]",
)
@click.option(
    "--cpus-per-trial",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="CPUs and threads of each trial.",
)
@click.option(
    "--gpus-per-trial",
    type=click.FloatRange(min=0),
    help="GPUs of each trial; Ray takes a share of one, such as 0.25. [default: 0]",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How often a trial whose worker died, or that met a passing error, goes on.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="Ray, Slurm: trials that a worker takes one after the other. [default: 1]",
)
@click.option("--partition", help="Slurm: the partition. [default: the site's]")
@click.option(
    "--time", metavar="MINUTES|[D-]H:M:S", help=f"Slurm: limit of a job. [default: {MINUTES}]"
)
@click.option(
    "--slurm-option",
    multiple=True,
    metavar="KEY=VALUE",
    help="Slurm: e.g. account=name; repeatable.",
)
@click.option(
    "--submitit-cluster",
    type=click.Choice(["slurm", "local"]),
    default="slurm",
    hidden=True,  # for tests: submitit starts processes in place of jobs
)
@selection_options
@table_options
@results_option
@log_folder_option
@json_option
@progress_option
@debug_option
def command(
    suite: str,
    tasks: str | None,
    arms: str | None,
    seeds: str | None,
    baseline: str | None,
    metric: Any,
    results: Path | None,
    log_folder: Path,
    json_file: Path | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Train every arm with every seed on every task, and print a table for each task.

    SUITE is a task file or a suite file, or the name of a packaged task. Runs that are already
    finished are not run again: the same command goes on where it was stopped.
    """
    choice = Choice(**options)
    executor = make_executor(choice)
    wish = Wish(
        suite,
        log_folder,
        results=results,
        tasks=split_names(tasks),
        arms=split_names(arms),
        seeds=None if seeds is None else parse_seeds(seeds),
        threads=choice.cpus_per_trial,
        here=choice.executor == "local",
        baseline=baseline,
        metric=metric,
        json_file=json_file,
        progress=progress,
    )
    run_suite(wish, executor)


def make_executor(choice: Choice) -> "Executor":
    """Build the executor that was chosen.

    Args:
        choice: What was said about it.

    Raises:
        UserError: An option belongs to another executor, or makes no sense.
    """
    for name, owners in OWNERS.items():
        if getattr(choice, name) not in (None, ()) and choice.executor not in owners:
            option = "--" + name.replace("_", "-")
            raise UserError(
                f"{option}: expected --executor {' or '.join(owners)}, got {choice.executor}"
            )
    return EXECUTORS[choice.executor](choice)


def parse_minutes(text: str) -> int:
    """Read a time limit as Slurm does: minutes, or `[D-]H:M:S`.

    Args:
        text: What was typed.

    Raises:
        UserError: It is neither, or no time at all.
    """
    minutes = 0
    if re.fullmatch(r"\d+", text):
        minutes = int(text)
    elif match := re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text):
        days, hours, rest, seconds = (int(part or 0) for part in match.groups())
        minutes = days * 1440 + hours * 60 + rest + (seconds > 0)
    if minutes < 1:
        raise UserError(f"--time: expected minutes or [D-]H:M:S, got {text!r}")
    return minutes


def _local(choice: Choice) -> "Executor":
    from rl_attention.sweep import LocalExecutor

    return LocalExecutor(choice.workers, choice.cpus_per_trial, choice.retries)


def _ray(choice: Choice) -> "Executor":
    from rl_attention.sweep.on_ray import RayExecutor

    return RayExecutor(
        address=choice.address,
        workers=choice.workers,
        cpus_per_trial=choice.cpus_per_trial,
        gpus_per_trial=choice.gpus_per_trial or 0.0,
        retries=choice.retries,
        batch=choice.batch or 1,
    )


def _slurm(choice: Choice) -> "Executor":
    from rl_attention.sweep.on_slurm import SlurmExecutor

    gpus = choice.gpus_per_trial or 0.0
    if not gpus.is_integer():
        raise UserError(f"--gpus-per-trial: expected whole GPUs with --executor slurm, got {gpus}")
    return SlurmExecutor(
        partition=choice.partition,
        minutes=MINUTES if choice.time is None else parse_minutes(choice.time),
        options=_read_slurm_options(choice.slurm_option),
        workers=choice.workers,
        cpus_per_trial=choice.cpus_per_trial,
        gpus_per_trial=int(gpus),
        retries=choice.retries,
        batch=choice.batch or 1,
        cluster=choice.submitit_cluster,
    )


def _read_slurm_options(pairs: Sequence[str]) -> Mapping[str, Any]:
    options = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UserError(f"--slurm-option: expected KEY=VALUE, got {pair!r}")
        options[key] = read_value(text, f"--slurm-option {key}")
    return options


EXECUTORS: dict[str, Callable[[Choice], "Executor"]] = {
    "local": _local,
    "ray": _ray,
    "slurm": _slurm,
}
"""From a name to what builds the executor."""
