"""Errors as one line and an exit code: 2 the user's, 1 a failure, 130 Ctrl-C."""

import difflib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from rl_attention.errors import UserError

Command = TypeVar("Command", bound=Callable[..., Any])

USER, FAILURE, INTERRUPTED = 2, 1, 130

_LONGEST = 2000
_DEBUG = "rl_attention.debug"


def printable(text: str) -> str:
    """Write control characters as their codes, so that text from a file cannot steer a terminal.

    Args:
        text: Any text.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class OneLine(click.ClickException):
    """The user's mistake, which ends the command with one line.

    Args:
        message: The line; a line break becomes a blank, and what would steer the terminal its code.
    """

    exit_code = USER

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message.split()))[:_LONGEST])


class FailureLine(OneLine):
    """A failure, which ends the command with one line."""

    exit_code = FAILURE


class Failure(Exception):
    """Something broke, and a log tells how."""


class OneLineGroup(click.Group):
    """A group of commands whose every error is one line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options."""
        with _one_line(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a subcommand, or name the nearest one."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            commands = self.list_commands(ctx)
            near = difflib.get_close_matches(name, commands, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(commands)}"
            raise UserError(f"no such command {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand and turn whatever goes wrong into one line."""
        with _one_line(ctx):
            return super().invoke(ctx)


def debug_option(command: Command) -> Command:
    """Give a command `--debug`, which shows the whole traceback of a failure.

    Args:
        command: A function that is about to become a click command.
    """

    def remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        ctx.meta[_DEBUG] = value

    return click.option(
        "--debug",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=remember,
        help="Show the whole traceback of a failure.",
    )(command)


@contextmanager
def failures_logged(log: Path) -> Iterator[None]:
    """Write the traceback of a failure to a log and name the log.

    Args:
        log: The file; added to, if it is there.

    Raises:
        Failure: Anything but the user's own errors came.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
        raise Failure(f"{_describe(error)}; the traceback is in {log}") from error


@contextmanager
def _one_line(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except (OneLine, click.exceptions.Exit, click.exceptions.NoArgsIsHelpError, BrokenPipeError):
        raise  # click ends quietly where `| head` has read enough
    except (UserError, click.UsageError) as error:
        text = error.format_message() if isinstance(error, click.UsageError) else str(error)
        raise OneLine(text) from None
    except KeyboardInterrupt as error:
        click.echo(str(error) or "Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Exception as error:
        if ctx.meta.get(_DEBUG):
            raise
        text = str(error) if isinstance(error, Failure) else _describe(error)
        raise FailureLine(f"{text} (--debug shows all)") from None


def _describe(error: Exception) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if str(error) else name
