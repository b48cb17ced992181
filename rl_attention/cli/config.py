"""`rl-attention config`: the whole resolved file."""

import click

from rl_attention.cli.common import config_file_option, load_given_task
from rl_attention.cli.errors import debug_option
from rl_attention.cli.hyperparams import SpreadCommand, hyperparams_option
from rl_attention.cli.options import config_options
from rl_attention.experiment.environments import check_env
from rl_attention.experiment.yaml_files import dump_yaml


@click.command("config", cls=SpreadCommand)
@config_file_option
@debug_option
@hyperparams_option
@config_options
def command(config_file: str | None) -> None:
    """Print every setting, defaults and overrides included, as a task file."""
    task = load_given_task(config_file)
    check_env(task.env)
    click.echo(dump_yaml(task.dump()), nl=False)
