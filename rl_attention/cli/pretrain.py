"""`rl-attention pretrain`: one arm, one seed, with BabyAI's bot for a teacher."""

from pathlib import Path

import click

from rl_attention.cli.common import config_file_option, log_folder_option, progress_option
from rl_attention.cli.errors import debug_option
from rl_attention.cli.hyperparams import SpreadCommand, hyperparams_option
from rl_attention.cli.options import add_overrides, config_options, given_overrides, read_value
from rl_attention.cli.train import choose_run, run_here, tensorboard_option
from rl_attention.errors import UserError
from rl_attention.experiment.overrides import flatten

_SHORT = {"method": "imitation.method", "labels": "imitation.labels"}


@click.command("pretrain", cls=SpreadCommand)
@config_file_option
@click.option("--method", metavar="bc|dagger", help="Short for --imitation.method.")
@click.option("--labels", metavar="INTEGER", help="Short for --imitation.labels.")
@log_folder_option
@tensorboard_option
@progress_option
@debug_option
@hyperparams_option
@config_options
def command(
    config_file: str | None,
    log_folder: Path,
    tensorboard_log: Path | None,
    progress: bool | None,
    **short: str | None,
) -> None:
    """Let one arm imitate BabyAI's own bot, evaluate it, and record what it attends to.

    Behaviour cloning (bc) fits what the bot does on its own way; dagger asks it in the states that
    the learner comes to, too. `train --from FOLDER` goes on from the run that it leaves.
    """
    for name, text in short.items():
        if text is not None:
            _say_in_full(name, text)
    run_here(choose_run(config_file, imitation={}), log_folder, tensorboard_log, progress)


def _say_in_full(name: str, text: str) -> None:
    path = _SHORT[name]
    if path in flatten(given_overrides()):
        raise UserError(f"--{name}: expected this or --{path}, got both")
    add_overrides({path: text if name == "method" else read_value(text, f"--{name}")})
