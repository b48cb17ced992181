"""`rl-attention tune`: search settings, every arm with the same budget."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rl_attention.cli.common import (
    check_writable,
    json_option,
    progress_option,
    wants_bars,
    write_numbers,
)
from rl_attention.cli.errors import Failure, debug_option
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from rl_attention.experiment.search_config import TuningConfig
    from rl_attention.sweep import Executor
    from rl_attention.sweep.tuning import ArmReport, Runner, Tuning

_RETRIES = 3
_WIDTH = 100


@click.command("tune")
@click.argument("suite", metavar="SUITE")
@click.option(
    "--n-trials", type=click.IntRange(min=1), help="Trials of each arm. [default: the file's]"
)
@click.option("--arms", metavar="A,B", help="Only these arms. [default: the file's]")
@click.option(
    "-f",
    "--log-folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/tuning"),
    show_default=True,
    help="Where run folders go.",
)
@click.option(
    "--storage",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the studies. [default: study.log in the log folder]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Of the samplers, the same for every arm.",
)
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), help="Runs at a time. [default: one a CPU]"
)
@json_option
@progress_option
@debug_option
def command(
    suite: str,
    n_trials: int | None,
    arms: str | None,
    log_folder: Path,
    storage: Path | None,
    seed: int,
    workers: int | None,
    json_file: Path | None,
    progress: bool | None,
) -> None:
    """Search settings with Optuna, the same number of trials for every arm.

    SUITE is a suite file with two more keys, `search` and `n_trials`. The first trial of an arm
    is its own settings, if they lie within the ranges. The same command goes on where it was
    stopped, and runs nothing twice.
    """
    check_writable(json_file)

    from rl_attention.experiment.search_config import load_tuning
    from rl_attention.sweep import LocalExecutor
    from rl_attention.sweep.tuning import Tuning

    config = load_tuning(suite)
    chosen = choose_arms(config, arms)
    # hidden, so that no report takes the runs of a search for runs of a comparison
    tuning = Tuning(config, chosen, n_trials or config.n_trials, seed, log_folder / ".trials")
    check_tuning(tuning)
    executor = LocalExecutor(workers, cpus_per_trial=1, retries=_RETRIES)
    runner = make_runner(executor, kept=log_folder, bars=wants_bars(progress))
    reports = tuning.run(storage or log_folder / "study.log", runner)
    show_reports(reports)
    write_numbers(json_file, describe(tuning, reports))
    fail_if_any(reports)


def choose_arms(config: "TuningConfig", arms: str | None) -> list[str]:
    """Read `--arms`.

    Args:
        config: The tuning.
        arms: Names with commas between, or None for all.

    Raises:
        UserError: One is not an arm of the file, or is there twice.
    """
    if arms is None:
        return list(config.arms)
    chosen = [name.strip() for name in arms.split(",")]
    for name in chosen:
        if name not in config.arms or chosen.count(name) > 1:
            raise UserError(f"--arms: expected some of {', '.join(config.arms)}, got {arms!r}")
    return chosen


def check_tuning(tuning: "Tuning") -> None:
    """Check before the first run that environments, device and folder can be had.

    Args:
        tuning: The search.

    Raises:
        UserError: One of them cannot, or two runs are the same.
    """
    from rl_attention.experiment.preflight import check_run
    from rl_attention.experiment.run_folder import RunFolder

    trials = [trial for arm in tuning.arms for trial in tuning.expand(arm, {})]
    folders: dict[Path, str] = {}
    for trial in trials:
        if trial.folder in folders:
            raise UserError(
                f"tune: {folders[trial.folder]} and {trial.name} are the same, with the same "
                "settings; leave one of them out"
            )
        folders[trial.folder] = trial.name
    kinds = {trial.config.env.model_dump_json() + trial.config.device: trial for trial in trials}
    for line in dict.fromkeys(check_run(trial.config) for trial in kinds.values()):
        click.echo(f"Environments: {line}", err=True)
    RunFolder(tuning.runs).create()


def make_runner(executor: "Executor", *, kept: Path, bars: bool) -> "Runner":
    """Return what runs the runs of a round and shows how far they are.

    Args:
        executor: Who runs them.
        kept: Where finished runs are, for the message after Ctrl-C.
        bars: Whether to draw progress bars.
    """
    from rich.console import Console

    from rl_attention.sweep import Outcome, Trial
    from rl_attention.sweep.board import ProgressBoard

    def run(trials: Sequence[Trial]) -> list[Outcome]:
        with ProgressBoard(trials, Console(stderr=True), bars=bars) as board:
            try:
                return executor.run(trials, board)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"Interrupted; finished runs and the trials so far are kept in {kept}; "
                    "the same command goes on from there"
                ) from None

    return run


def show_reports(reports: "Sequence[ArmReport]") -> None:
    """Print the table of the arms.

    Args:
        reports: What was found.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=0)
    table.add_column("arm")
    for heading in ("trials", "best\nscore", "score of\ndefaults"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("best settings")
    for report in reports:
        best = report.best
        settings = best.settings.items() if best else ()
        shown = "\n".join(f"{path} {_plain(value)}" for path, value in settings) or "-"
        score = _score(best.score if best else None)
        cells = (str(len(report.draws)), score, _score(report.default_score), shown)
        table.add_row(*(Text(cell) for cell in (report.arm, *cells)))
    Console(width=max(Console().width, _WIDTH)).print(table)


def describe(tuning: "Tuning", reports: "Sequence[ArmReport]") -> dict[str, object]:
    """Return what was searched and found as plain data.

    Args:
        tuning: The search.
        reports: What was found.
    """
    search = tuning.config.search
    return {
        "search": {path: part.model_dump(exclude_unset=True) for path, part in search.items()},
        "n_trials": tuning.n_trials,
        "seed": tuning.seed,
        "seeds": list(tuning.config.seeds),
        "tasks": list(tuning.config.suite.tasks),
        "arms": {report.arm: report.to_dict() for report in reports},
    }


def fail_if_any(reports: "Sequence[ArmReport]") -> None:
    """Fail if a trial did.

    Args:
        reports: What was found.

    Raises:
        Failure: At least one trial failed.
    """
    draws = [draw for report in reports for draw in report.draws]
    failed = [draw for draw in draws if draw.state == "FAIL"]
    if failed:
        raise Failure(f"{len(failed)} of {len(draws)} trials failed; the first: {failed[0].error}")


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
