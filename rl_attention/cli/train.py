"""`rl-attention train`: one arm, one seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rl_attention.cli.common import (
    config_file_option,
    load_given_task,
    log_folder_option,
    progress_option,
    say_next,
    wants_bars,
)
from rl_attention.cli.errors import debug_option, failures_logged
from rl_attention.cli.hyperparams import SpreadCommand, hyperparams_option
from rl_attention.cli.options import config_options, given_overrides
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.task_config import CompareConfig
from rl_attention.experiment.validation import validate

if TYPE_CHECKING:
    from rl_attention.experiment.results import Results
    from rl_attention.imitation_result import ImitationResult


tensorboard_option = click.option(
    "-tb",
    "--tensorboard-log",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another place for TensorBoard's events; by default the run folder.",
)

_TAKEN_OVER = ("env", "algo", "arm", "extractor", "net_arch")
"""What a run that begins with the weights of another has from it, if it is told nothing else; of
its hyperparameters, those that shape the network."""


@click.command("train", cls=SpreadCommand)
@config_file_option
@click.option(
    "--from",
    "source",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Begin with the weights of this run, and its task and network where no file says others.",
)
@log_folder_option
@tensorboard_option
@progress_option
@debug_option
@hyperparams_option
@config_options
def command(
    config_file: str | None,
    source: Path | None,
    log_folder: Path,
    tensorboard_log: Path | None,
    progress: bool | None,
) -> None:
    """Train one arm with one seed, evaluate it, and record what it attends to.

    With a task file, --arm chooses among its arms and --seed among its seeds (the first by
    default). Every field of a config is an option too.
    """
    config = choose_run(config_file) if source is None else _choose_from(config_file, source)
    run_here(config, log_folder, tensorboard_log, progress)


def run_here(
    config: RunConfig, log_folder: Path, tensorboard_log: Path | None, progress: bool | None
) -> None:
    """Do one run in this process, and say what came of it.

    Args:
        config: The run.
        log_folder: Where run folders go.
        tensorboard_log: Another place for TensorBoard's events.
        progress: Whether to draw bars; None: as the terminal allows.

    Raises:
        UserError: The run cannot be had.
    """
    from rl_attention.cli.following import following
    from rl_attention.experiment.preflight import check_run
    from rl_attention.experiment.run_folder import RunFolder, locate
    from rl_attention.experiment.training import run_trial
    from rl_attention.sweep.trials import Trial

    stepped_by = check_run(config)
    folder = locate(log_folder, config)
    events = None if tensorboard_log is None else locate(tensorboard_log, config)
    run = RunFolder(folder)
    if run.find_results(config) is not None:
        click.echo(f"{folder} is already finished.", err=True)
    else:
        if events is not None:
            RunFolder(events).create(option="-tb/--tensorboard-log")
        run.create()
        click.echo(f"Environments: {stepped_by}", err=True)
    trial = Trial(config.name, config.seed, config, folder)
    try:
        with failures_logged(run.log), following(trial, bars=wants_bars(progress)):
            results = run_trial(config, folder, tensorboard=events)
    except UserError:
        for path in filter(None, (folder, events)):
            RunFolder(path).remove_if_empty()
        raise
    _report(results, folder)
    say_next(("tensorboard", events or folder), ("eval", folder))


def choose_run(
    config_file: str | None, *, start: Mapping[str, Any] | None = None, **changes: Any
) -> RunConfig:
    """Return the one run that the file and the options ask for.

    Args:
        config_file: A path or the name of a packaged task.
        start: Settings in place of a file's, where there is none.
        **changes: Further top-level settings that win over both.

    Raises:
        UserError: Something is not valid.
    """
    given = given_overrides()
    task = load_given_task(config_file, start=start, **changes)
    seed = given.get("seed", task.seeds[0] if "seeds" in task.model_fields_set else task.seed)
    if not task.arms:
        return task.own_run(seed)
    run = _choose_arm(task, given.get("arm"), seed)
    return validate(RunConfig, merge(run.dump(), {"label": given.get("label", run.label)}))


def _choose_from(config_file: str | None, source: Path) -> RunConfig:
    """Return the run that begins with the weights of another."""
    from rl_attention.experiment.initial_weights import check_init, describe_source
    from rl_attention.experiment.run_folder import RunFolder

    init = describe_source(source).model_dump()
    there = RunFolder(source).read_config()
    start = {key: value for key, value in there.dump().items() if key in _TAKEN_OVER}
    if given_overrides().get("algo", there.algo) == there.algo:
        start["hyperparams"] = there.hyperparams.of_network()
    config = choose_run(config_file, start=start, init=init)
    check_init(config)
    return config


def _choose_arm(task: CompareConfig, arm: str | None, seed: int) -> RunConfig:
    if arm is None:
        return task.run(next(iter(task.arms)), seed)
    return task.run(arm, seed) if arm in task.arms else task.own_run(seed)


def _report(results: "Results", folder: Path) -> None:
    reached = results.frames_to_90
    asked = results.settings.get("imitation")
    learner = results.algo if asked is None else asked["method"]
    click.echo(f"{results.env}, {results.arm}, {learner}, seed {results.seed}")
    click.echo(f"  success rate    {results.success_rate:.3f}")
    click.echo(f"  mean return     {results.mean_reward:.3f} +/- {results.std_reward:.3f}")
    if results.imitation is None:
        click.echo(f"  frames to 90 %  {'not reached' if reached is None else f'{reached:,}'}")
    else:
        _report_imitation(results.imitation)
    click.echo(f"  parameters      {results.parameters['policy']:,}")
    if results.imitation is None:
        click.echo(f"  frames/s        {results.fps:,.0f}")
    if results.entity_overflow:
        click.echo(
            f"  note: {results.entity_overflow:,} entities did not fit; raise env.max_entities"
        )
    click.echo(f"Run folder: {folder}")


def _report_imitation(found: "ImitationResult") -> None:
    click.echo(f"  held-out steps  {found.held_out_accuracy:.3f} as the bot would")
    click.echo(f"  labels          {found.questions:,}, {found.labels_per_second:,.0f}/s")
    if found.unanswered:
        click.echo(f"  note: to {found.unanswered:,} questions the bot had no answer")
