"""`rl-attention compare`: arms x seeds, and a table; or a whole suite."""

from collections.abc import Mapping
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
from rl_attention.cli.suites import (
    Wish,
    parse_seeds,
    results_option,
    run_suite,
    split_names,
    table_options,
)
from rl_attention.cli.sweep import Choice, make_executor
from rl_attention.errors import UserError
from rl_attention.experiment.compatibility import VIEWS_OF_ARM
from rl_attention.experiment.overrides import flatten
from rl_attention.experiment.task_config import CompareConfig, parse_task

DEFAULT_ARMS = ("attention", "mlp")


@click.command("compare", cls=SpreadCommand)
@click.argument("suite", metavar="[SUITE]", required=False)
@config_file_option
@click.option("--tasks", metavar="A,B", help="Only these tasks of SUITE. [default: all]")
@click.option(
    "--arms", metavar="A,B", help="Only these arms. [default: the file's, or attention,mlp]"
)
@click.option("--seeds", metavar="0-4|0,1", help="Seeds. [default: the file's, or 0-2]")
@table_options
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), help="Runs at a time. [default: one a CPU]"
)
@results_option
@log_folder_option
@json_option
@progress_option
@debug_option
@hyperparams_option
@config_options
def command(
    suite: str | None,
    config_file: str | None,
    tasks: str | None,
    arms: str | None,
    seeds: str | None,
    baseline: str | None,
    metric: Any,
    workers: int | None,
    results: Path | None,
    log_folder: Path,
    json_file: Path | None,
    progress: bool | None,
) -> None:
    """Train every arm with every seed in parallel, and print a table with intervals.

    SUITE is a suite file or a task file, or the name of a packaged one, such as `quick`: its tasks,
    arms and seeds. Without it, the task is what --config and the options below say. Runs that are
    already finished are not run again.
    """
    if suite is not None:
        _refuse_settings(config_file)
        wish = Wish(
            suite,
            log_folder,
            results=results,
            tasks=split_names(tasks),
            arms=split_names(arms),
            seeds=None if seeds is None else parse_seeds(seeds),
            baseline=baseline,
            metric=metric,
            json_file=json_file,
            progress=progress,
        )
        run_suite(wish, make_executor(Choice("local", workers=workers)))
        return
    _refuse_parts_of_a_suite({"--tasks": tasks, "--results": results})
    _refuse_single_run()
    task = choose_arms(load_given_task(config_file), arms)
    if baseline is not None and baseline not in task.arms:
        raise UserError(f"--baseline: expected one of {', '.join(task.arms)}, got {baseline!r}")
    if baseline is not None:  # tables name an arm by its label
        baseline = task.run(baseline, task.seeds[0]).name
    chosen = None if seeds is None else parse_seeds(seeds)
    check_writable(json_file)

    from rl_attention.cli.comparing import finish, read_finished, run_missing, show_comparison
    from rl_attention.sweep import expand

    trials = expand(task, log_folder, seeds=chosen)
    errors = run_missing(trials, workers=workers, bars=wants_bars(progress))
    if len(errors) < len(trials):
        runs = read_finished(trials)
        show_comparison(runs, baseline=baseline, metric=metric, json_file=json_file)
    finish(trials, errors)


def _refuse_settings(config_file: str | None) -> None:
    if config_file is not None:
        raise UserError("--config: expected SUITE or --config, got both")
    given = next(iter(flatten(given_overrides())), None)
    if given is not None:
        raise UserError(
            f"--{given}: expected no setting beside SUITE, whose settings stand in its file; copy "
            "the file and change the copy"
        )


def _refuse_parts_of_a_suite(given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise UserError(f"{option}: expected SUITE before it, as in `compare quick {option}`")


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
    wanted = split_names(names) or DEFAULT_ARMS
    for name in wanted:
        if name not in task.arms and name not in VIEWS_OF_ARM:
            known = ", ".join(dict.fromkeys([*task.arms, *VIEWS_OF_ARM]))
            raise UserError(f"--arms: expected some of {known}, got {name!r}")
    arms = {name: task.arms.get(name, {}) for name in wanted}
    return parse_task({**task.dump(), "arms": arms})
