"""Running the trials of a suite and showing its tables: what `compare` and `sweep` share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rl_attention.cli.common import check_writable, wants_bars, write_numbers
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from rl_attention.comparison import RunResult
    from rl_attention.comparison.summary import Metric
    from rl_attention.sweep import Executor, Trial

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BASELINE = "mlp"


def results_option(command: Command) -> Command:
    """Give a command the option that keeps small result files.

    Args:
        command: A function that is about to become a click command.
    """
    return click.option(
        "--results",
        type=click.Path(path_type=Path, file_okay=False),
        help="Keep a small file of each finished run here, and run none whose file is there.",
    )(command)


def table_options(command: Command) -> Command:
    """Give a command the options that say what its tables hold against what.

    Args:
        command: A function that is about to become a click command.
    """
    command = click.option(
        "--metric",
        type=click.Choice(["success_rate", "mean_reward"]),
        default="success_rate",
        show_default=True,
        help="What the interquartile mean is of.",
    )(command)
    return click.option(
        "--baseline",
        metavar="ARM",
        help="Arm to compare with. [default: mlp in a suite, or else the last]",
    )(command)


def selection_options(command: Command) -> Command:
    """Give a command the options that choose a part of a suite.

    Args:
        command: A function that is about to become a click command.
    """
    for name, metavar, text in (
        ("--seeds", "0-4|0,1", "Seeds. [default: the file's]"),
        ("--arms", "A,B", "Only these arms. [default: the file's]"),
        ("--tasks", "A,B", "Only these tasks. [default: all]"),
    ):
        command = click.option(name, metavar=metavar, help=text)(command)
    return command


def split_names(text: str | None) -> list[str] | None:
    """Read names with commas between them; None stays None.

    Args:
        text: What was typed.
    """
    return None if text is None else [part.strip() for part in text.split(",")]


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


@dataclass(frozen=True)
class Wish:
    """What was asked of a suite.

    Args:
        suite: A file, or the name of a packaged suite or task.
        log_folder: Where run folders go.
        results: Where small result files are kept.
        tasks: Only these; None: all.
        arms: Only these.
        seeds: These in place of the suite's.
        threads: CPU threads of a trial whose settings leave them open.
        here: Whether this machine runs the trials, so that its devices count.
        baseline: The arm to compare with; None: `mlp`, or else the last.
        metric: What the interquartile means are of.
        json_file: Also write the numbers here.
        progress: Whether to draw bars; None: where there is a terminal.
    """

    suite: str
    log_folder: Path
    results: Path | None = None
    tasks: Sequence[str] | None = None
    arms: Sequence[str] | None = None
    seeds: Sequence[int] | None = None
    threads: int = 1
    here: bool = True
    baseline: str | None = None
    metric: "Metric" = "success_rate"
    json_file: Path | None = None
    progress: bool | None = None


def run_suite(wish: Wish, executor: "Executor") -> None:
    """Run the trials of a suite that are not finished, and print a table for each task.

    Args:
        wish: What was asked for.
        executor: Who runs them.

    Raises:
        UserError: A trial cannot be had; nothing was started.
        Failure: At least one trial failed.
    """
    check_writable(wish.json_file)

    from rl_attention.cli.comparing import finish, watch_trials
    from rl_attention.experiment.suite_config import load_suite
    from rl_attention.sweep import expand_suite

    suite = load_suite(wish.suite).select(tasks=wish.tasks, arms=wish.arms, seeds=wish.seeds)
    baseline = choose_baseline(suite.arms, wish.baseline)
    trials = expand_suite(suite, wish.log_folder, threads=wish.threads, results=wish.results)
    missing = find_missing(trials, wish)
    errors = []
    if missing:
        bars = wants_bars(wish.progress)
        errors = watch_trials(missing, executor, kept=wish.log_folder, bars=bars)
    numbers = show_tables(trials, baseline=baseline, metric=wish.metric)
    write_numbers(wish.json_file, {**numbers, "failed": errors})
    finish(trials, errors, folder=wish.log_folder, report=wish.results or wish.log_folder)


def choose_baseline(arms: Sequence[str], wanted: str | None) -> str:
    """Return the arm that the others are held against: by default `mlp`, or else the last.

    Args:
        arms: All arms, in the order of the file.
        wanted: What the user said, or None.

    Raises:
        UserError: There is no such arm.
    """
    if wanted is None:
        return DEFAULT_BASELINE if DEFAULT_BASELINE in arms else arms[-1]
    if wanted not in arms:
        raise UserError(f"--baseline: expected one of {', '.join(arms)}, got {wanted!r}")
    return wanted


def find_missing(trials: "Sequence[Trial]", wish: Wish) -> "list[Trial]":
    """Check every trial before the first begins, and list those that are not finished.

    Args:
        trials: All of the suite.
        wish: What was asked for: where files go, and whether this machine runs the trials.

    Raises:
        UserError: A trial cannot be had, or nothing can be written there.
    """
    from rl_attention.experiment.environments import check_env
    from rl_attention.experiment.preflight import check_run
    from rl_attention.experiment.run_folder import RunFolder
    from rl_attention.experiment.zero_shot import check_zero_shot
    from rl_attention.sweep.records import find_finished

    kinds = {(trial.config.env, trial.config.device): trial.config for trial in trials}
    lines = [check_run(run) if wish.here else check_env(run.env) for run in kinds.values()]
    for line in dict.fromkeys(lines):
        click.echo(f"Environments: {line}", err=True)
    RunFolder(wish.log_folder).create()
    if wish.results is not None:
        RunFolder(wish.results).create(option="--results")
    missing = [trial for trial in trials if find_finished(trial) is None]
    tests = {trial.config.env.model_dump_json(): trial.config for trial in missing}
    for config in tests.values():
        check_zero_shot(config)
    if len(missing) < len(trials):
        click.echo(f"{len(trials) - len(missing)} of {len(trials)} runs are finished.", err=True)
    return missing


def show_tables(trials: "Sequence[Trial]", *, baseline: str, metric: "Metric") -> dict[str, Any]:
    """Print the table of each task that has a finished run, then all together, and return both.

    Args:
        trials: All of the suite.
        baseline: The arm to compare with; a task without it takes its last.
        metric: What the interquartile means are of.
    """
    from rl_attention.cli.comparing import read_finished, show_comparison

    tasks: dict[str, list[Trial]] = {}
    for trial in trials:
        tasks.setdefault(trial.task, []).append(trial)
    tables, every = {}, []
    for name, members in tasks.items():
        runs = read_finished(members)
        every += runs
        if len(tasks) > 1:
            click.echo(f"\n{name}")
        if runs:
            found = show_comparison(runs, baseline=baseline, metric=metric)
            tables[name] = found.to_dict()
        else:
            click.echo("no run is finished")
    together = _show_together(every, baseline, metric) if len(tasks) > 1 else None
    return {"tasks": tables, "over_tasks": together}


def _show_together(
    runs: "Sequence[RunResult]", baseline: str, metric: "Metric"
) -> dict[str, Any] | None:
    from rl_attention.cli.comparing import print_table
    from rl_attention.comparison.suite import summarise_suite
    from rl_attention.comparison.table import render_over_tasks

    if baseline not in {run.arm for run in runs}:
        click.echo(f"\nnot all tasks together: no run of {baseline} is finished")
        return None
    summary = summarise_suite(runs, baseline=baseline, metric=metric)
    click.echo()
    print_table(render_over_tasks(summary))
    return asdict(summary.aggregate)
