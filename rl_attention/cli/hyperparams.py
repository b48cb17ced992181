"""RL Zoo's `-params key:value key:value`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rl_attention.cli.options import add_overrides, read_value
from rl_attention.errors import UserError

Command = TypeVar("Command", bound=Callable[..., Any])

NAMES = ("-params", "--hyperparams")


class SpreadCommand(click.Command):
    """A command whose `-params` takes every following `key:value`, as RL Zoo's does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        return super().parse_args(ctx, spread(args))


def spread(args: list[str]) -> list[str]:
    """Repeat `-params` before each `key:value` that follows one.

    Args:
        args: `['-params', 'gamma:0.9', 'n_steps:8']`.

    Returns:
        `['-params', 'gamma:0.9', '-params', 'n_steps:8']`.
    """
    spread_out: list[str] = []
    first = taking = False
    for arg in args:
        if arg in NAMES:
            first = taking = True
            continue
        taking = first or (taking and ":" in arg and not arg.startswith("-"))
        first = False
        spread_out += [NAMES[0], arg] if taking else [arg]
    return [*spread_out, NAMES[0]] if first else spread_out


def hyperparams_option(command: Command) -> Command:
    """Give a command `-params`.

    Args:
        command: A function that is about to become a click command.
    """

    def remember(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> None:
        values = {}
        for pair in pairs:
            name, colon, text = pair.partition(":")
            if not colon or not name:
                raise click.UsageError(f"{NAMES[1]}: expected name:value, got {pair!r}")
            try:
                values[f"hyperparams.{name}"] = read_value(text, f"{NAMES[1]} {name}")
            except UserError as error:
                raise click.UsageError(str(error)) from None
        if values:
            add_overrides(values)

    return click.option(
        *NAMES,
        "hyperparams",
        multiple=True,
        metavar="NAME:VALUE ...",
        expose_value=False,
        callback=remember,
        help="Hyperparameters, as RL Zoo takes them.",
    )(command)
