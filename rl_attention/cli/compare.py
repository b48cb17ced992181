"""`rl-attention compare`: arms x seeds, and a table."""

from pathlib import Path
from typing import Any

import click

from rl_attention.cli.common import (
    check_writable,
    config_file_option,
    json_option,
    load_given_task,
    log_folder_option,
    progress_option,
    wants_bars,
)
from rl_attention.cli.errors import debug_option
from rl_attention.cli.hyperparams import SpreadCommand, hyperparams_option
from rl_attention.cli.options import config_options, given_overrides
from rl_attention.errors import UserError
from rl_attention.experiment.compatibility import VIEWS_OF_ARM
from rl_attention.experiment.task_config import CompareConfig, parse_task

DEFAULT_ARMS = ("attention", "mlp")


@click.command("compare", cls=SpreadCommand)
@config_file_option
@click.option(
    "--arms", metavar="A,B", help="Only these arms. [default: the file's, or attention,mlp]"
)
@click.option("--seeds", metavar="0-4|0,1", help="Seeds. [default: the file's, or 0-2]")
@click.option("--baseline", metavar="ARM", help="Arm to compare with. [default: the last]")
@click.option(
    "--metric",
    type=click.Choice(["success_rate", "mean_reward"]),
    default="success_rate",
    show_default=True,
    help="What the interquartile mean is of.",
)
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), help="Runs at a time. [default: one a CPU]"
)
@log_folder_option
@json_option
@progress_option
@debug_option
@hyperparams_option
@config_options
def command(
    config_file: str | None,
    arms: str | None,
    seeds: str | None,
    baseline: str | None,
    metric: Any,
    workers: int | None,
    log_folder: Path,
    json_file: Path | None,
    progress: bool | None,
) -> None:
    """Train every arm with every seed in parallel, and print a table with intervals.

    Runs that are already finished are not run again.
    """
    _refuse_single_run()
    task = choose_arms(load_given_task(config_file), arms)
    if baseline is not None and baseline not in task.arms:
        raise UserError(f"--baseline: expected one of {', '.join(task.arms)}, got {baseline!r}")
    if baseline is not None:  # tables name an arm by its label
        baseline = task.run(baseline, task.seeds[0]).name
    chosen = None if seeds is None else parse_seeds(seeds)
    check_writable(json_file)

    from rl_attention.cli.comparing import finish, run_missing, show_comparison
    from rl_attention.sweep import expand

    trials = expand(task, log_folder, seeds=chosen)
    errors = run_missing(trials, workers=workers, bars=wants_bars(progress))
    if len(errors) < len(trials):
        show_comparison(trials, baseline=baseline, metric=metric, json_file=json_file)
    finish(trials, errors)


def _refuse_single_run() -> None:
    given = given_overrides()
    if "seed" in given:
        raise UserError(f"--seed: expected --seeds in a comparison, as in --seeds {given['seed']}")
    if "label" in given:
        raise UserError("--label: a comparison names its arms in a task file, under arms")


def choose_arms(task: CompareConfig, names: str | None) -> CompareConfig:
    """Return the task with the arms that are wanted.

    Args:
        task: What file and options gave.
        names: Names with commas: arms of the file, or extractors; None for the file's.

    Raises:
        UserError: A name is neither.
    """
    if names is None and task.arms:
        return task
    wanted = DEFAULT_ARMS if names is None else tuple(part.strip() for part in names.split(","))
    for name in wanted:
        if name not in task.arms and name not in VIEWS_OF_ARM:
            known = ", ".join(dict.fromkeys([*task.arms, *VIEWS_OF_ARM]))
            raise UserError(f"--arms: expected some of {known}, got {name!r}")
    arms = {name: task.arms.get(name, {}) for name in wanted}
    return parse_task({**task.dump(), "arms": arms})


def parse_seeds(text: str) -> list[int]:
    """Read seeds such as `0-4` or `0,1,7`.

    Args:
        text: What was typed.

    Raises:
        UserError: It is neither, or names more than 1000 seeds.
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            low, high = int(first), int(last if dash else first)
            if not low <= high < low + 1000:
                raise ValueError
            seeds += range(low, high + 1)
    except ValueError:
        raise UserError(f"--seeds: expected 0-4 or 0,1,7, got {text!r}") from None
    return seeds
