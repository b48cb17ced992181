"""`rl-attention pretrain`: one arm, one seed, with BabyAI's bot for a teacher."""

from pathlib import Path
from typing import Any

import click

from rl_attention.cli.common import config_file_option, log_folder_option, progress_option
from rl_attention.cli.errors import debug_option
from rl_attention.cli.hyperparams import SpreadCommand, hyperparams_option
from rl_attention.cli.options import add_overrides, config_options, given_overrides, read_value
from rl_attention.cli.train import choose_run, run_here, tensorboard_option
from rl_attention.errors import UserError
from rl_attention.experiment.imitation.config import ImitationConfig

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
    add_overrides({_SHORT[name]: _read(name, text) for name, text in short.items() if text})
    if "n_timesteps" in given_overrides():
        raise UserError("-n: expected --labels, the questions to the bot; there are no frames")
    for name in given_overrides().get("hyperparams", {}):
        own = f"--imitation.{name}" if name in ImitationConfig.model_fields else "none"
        raise UserError(
            f"--hyperparams.{name}: expected {own}: hyperparameters are of reinforcement learning, "
            "and have no say in an imitation"
        )
    run_here(choose_run(config_file, imitation={}), log_folder, tensorboard_log, progress)


def _read(name: str, text: str) -> Any:
    return text if name == "method" else read_value(text, f"--{name}")
