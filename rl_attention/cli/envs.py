"""`rl-attention envs`: what there is to train on."""

import click

from rl_attention.cli.errors import debug_option
from rl_attention.errors import UserError


@click.command("envs")
@click.argument("text", default="")
@debug_option
def command(text: str) -> None:
    """List environment ids that contain TEXT, and the backends that can step them."""
    from rl_attention.experiment.environments import list_environments

    found = [info for info in list_environments() if text.lower() in info.env_id.lower()]
    if not found:
        raise UserError(f"expected part of an environment id, got {text!r}: none contains it")
    width = max(len(info.env_id) for info in found)
    for info in found:
        click.echo(f"{info.env_id:<{width}}  {', '.join(info.backends)}")
