"""Running a comparison and showing its table: what `compare` and `demo` share."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click
from rich.console import Console, RenderableType

from rl_attention.cli.common import say_next, write_numbers
from rl_attention.cli.errors import Failure
from rl_attention.comparison import Comparison, RunResult, compare, read_run
from rl_attention.comparison.summary import Metric
from rl_attention.comparison.table import render_table
from rl_attention.errors import UserError
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep import Executor, LocalExecutor, Trial
from rl_attention.sweep.board import ProgressBoard
from rl_attention.sweep.records import RecordKeeper, find_finished, with_defaults

_WIDTH = 110


def run_missing(trials: Sequence[Trial], *, workers: int | None, bars: bool) -> list[str]:
    """Run the trials that are not finished yet.

    Args:
        trials: All of the comparison.
        workers: How many at a time.
        bars: Whether to draw progress bars.

    Returns:
        One line for each trial that failed.

    Raises:
        UserError: A trial cannot be had; nothing was started.
    """
    _check_one_environment(trials)
    reasons = {check_run(trial.config): None for trial in trials}
    missing = [t for t in trials if RunFolder(t.folder).find_results(t.config) is None]
    for trial in missing:
        RunFolder(trial.folder).create()
    for reason in reasons:
        click.echo(f"Environments: {reason}", err=True)
    if len(missing) < len(trials):
        click.echo(f"{len(trials) - len(missing)} of {len(trials)} runs are finished.", err=True)
    if not missing:
        return []
    executor = LocalExecutor(workers=workers)
    return watch_trials(missing, executor, kept=missing[0].folder.parent, bars=bars)


def watch_trials(
    trials: Sequence[Trial], executor: Executor, *, kept: Path, bars: bool
) -> list[str]:
    """Run trials and show how far they are.

    Args:
        trials: At least one.
        executor: Who runs them.
        kept: Where finished runs are, for the message after Ctrl-C.
        bars: Whether to draw progress bars.

    Returns:
        One line for each trial that failed.

    Raises:
        KeyboardInterrupt: Ctrl-C came, and all workers have ended.
    """
    with ProgressBoard(trials, Console(stderr=True), bars=bars) as board:
        try:
            outcomes = executor.run(trials, RecordKeeper(board))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted; finished runs and what the others logged are kept in {kept}; "
                "the same command runs the unfinished ones again"
            ) from None
    return [outcome.error for outcome in outcomes if outcome.error is not None]


def _check_one_environment(trials: Sequence[Trial]) -> None:
    envs = sorted({trial.config.env.id for trial in trials})
    if len(envs) > 1:
        raise UserError(f"env.id: expected one environment for all arms, got {', '.join(envs)}")


def read_finished(trials: Iterable[Trial]) -> list[RunResult]:
    """Read what is finished, from small files where they are kept; a run has its trial's task.

    Args:
        trials: Some trials.

    Raises:
        UserError: A file is damaged or of other settings.
    """
    found = ((trial, find_finished(trial)) for trial in trials)
    runs = ((trial, read_run(path)) for trial, path in found if path is not None)
    return [replace(with_defaults(run), task=trial.task or run.task) for trial, run in runs]


def show_comparison(
    runs: Sequence[RunResult],
    *,
    baseline: str | None,
    metric: Metric = "success_rate",
    json_file: Path | None = None,
) -> Comparison:
    """Print the table of the finished runs of one task.

    Args:
        runs: At least one.
        baseline: The arm to compare with; by default the last, also where it has no run.
        metric: What the interquartile means are of.
        json_file: Also write the numbers here.
    """
    if baseline not in {run.arm for run in runs}:
        baseline = None  # none of its runs finished, which `finish` reports
    comparison = compare(runs, baseline=baseline, metric=metric)
    print_table(render_table(comparison))
    write_numbers(json_file, comparison.to_dict())
    return comparison


def print_table(table: RenderableType) -> None:
    """Print tables of results; a narrow terminal breaks lines, which is better than losing digits.

    Args:
        table: What to print.
    """
    Console(width=max(Console().width, _WIDTH)).print(table, highlight=False)


def finish(
    trials: Sequence[Trial],
    errors: Sequence[str],
    *,
    folder: Path | None = None,
    report: Path | None = None,
) -> None:
    """Name the next commands, and fail if a trial did.

    Args:
        trials: All that were to be run.
        errors: One line for each that failed.
        folder: The folder above their runs; by default that of the first one's environment.
        report: What a report would be of, if there is anything for one.

    Raises:
        Failure: At least one trial failed.
    """
    finished = (trial.folder for trial in trials if RunFolder(trial.folder).results.exists())
    say_next(
        ("tensorboard", folder or trials[0].folder.parent),
        *(("eval", run) for run in islice(finished, 1)),
        *([] if report is None else [("report", report)]),
    )
    if errors:
        raise Failure(f"{len(errors)} of {len(trials)} runs failed; the first: {errors[0]}")
