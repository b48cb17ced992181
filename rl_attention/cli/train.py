"""`rl-attention train`: one arm, one seed."""

from pathlib import Path
from typing import TYPE_CHECKING

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
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.task_config import CompareConfig
from rl_attention.experiment.validation import validate

if TYPE_CHECKING:
    from rl_attention.experiment.results import Results


@click.command("train", cls=SpreadCommand)
@config_file_option
@log_folder_option
@click.option(
    "-tb",
    "--tensorboard-log",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another place for TensorBoard's events; by default the run folder.",
)
@progress_option
@debug_option
@hyperparams_option
@config_options
def command(
    config_file: str | None,
    log_folder: Path,
    tensorboard_log: Path | None,
    progress: bool | None,
) -> None:
    """Train one arm with one seed, evaluate it, and record what it attends to.

    With a task file, --arm chooses among its arms and --seed among its seeds (the first by
    default). Every field of a config is an option too.
    """
    config = choose_run(config_file)

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
    with failures_logged(run.log), following(trial, bars=wants_bars(progress)):
        results = run_trial(config, folder, tensorboard=events)
    _report(results, folder)
    say_next(("tensorboard", events or folder), ("eval", folder))


def choose_run(config_file: str | None) -> RunConfig:
    """Return the one run that the file and the options ask for.

    Args:
        config_file: A path or the name of a packaged task.

    Raises:
        UserError: Something is not valid.
    """
    given = given_overrides()
    task = load_given_task(config_file)
    seed = given.get("seed", task.seeds[0] if "seeds" in task.model_fields_set else task.seed)
    if not task.arms:
        return task.own_run(seed)
    run = _choose_arm(task, given.get("arm"), seed)
    return validate(RunConfig, merge(run.dump(), {"label": given.get("label", run.label)}))


def _choose_arm(task: CompareConfig, arm: str | None, seed: int) -> RunConfig:
    if arm is None:
        return task.run(next(iter(task.arms)), seed)
    return task.run(arm, seed) if arm in task.arms else task.own_run(seed)


def _report(results: "Results", folder: Path) -> None:
    reached = results.frames_to_90
    click.echo(f"{results.env}, {results.arm}, {results.algo}, seed {results.seed}")
    click.echo(f"  success rate    {results.success_rate:.3f}")
    click.echo(f"  mean return     {results.mean_reward:.3f} +/- {results.std_reward:.3f}")
    click.echo(f"  frames to 90 %  {'not reached' if reached is None else f'{reached:,}'}")
    click.echo(f"  parameters      {results.parameters['policy']:,}")
    click.echo(f"  frames/s        {results.fps:,.0f}")
    if results.entity_overflow:
        click.echo(
            f"  note: {results.entity_overflow:,} entities did not fit; raise env.max_entities"
        )
    click.echo(f"Run folder: {folder}")
