"""Options and small services that several subcommands share."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from rl_attention.cli.imitating import refuse_idle_options
from rl_attention.cli.options import given_overrides
from rl_attention.errors import UserError
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.task_config import CompareConfig, parse_task
from rl_attention.experiment.task_files import load_task
from rl_attention.files import write_text

Command = TypeVar("Command", bound=Callable[..., Any])

config_file_option = click.option(
    "--config",
    "-conf",
    "--conf-file",
    "config_file",
    metavar="FILE|NAME",
    help="Task file, or the name of a packaged one such as doorkey-5x5.",
)
log_folder_option = click.option(
    "-f",
    "--log-folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Where run folders go.",
)
progress_option = click.option(
    "-P",
    "--progress/--no-progress",
    default=None,
    help="Progress bars with time left; by default in a terminal, and never in CI.",
)
json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the numbers to this file.",
)


def load_given_task(
    config_file: str | None, *, start: Mapping[str, Any] | None = None, **changes: Any
) -> CompareConfig:
    """Build the task from the file, if there is one, and the options.

    Args:
        config_file: A path or the name of a packaged task.
        start: Settings in place of a file's, where there is none.
        **changes: Further top-level settings that win over both.

    Raises:
        UserError: There is neither a file nor an environment, or something is not valid or without
            a say.
    """
    overrides = merge(given_overrides(), changes)
    data, source = load_task(config_file) if config_file else (dict(start or {}), "")
    if not isinstance(data, dict):
        raise UserError(f"{source}: expected a mapping of settings, got {type(data).__name__}")
    if not config_file and not start and not overrides.get("env", {}).get("id"):
        raise UserError("expected --env ID or --config FILE, got neither; `envs` lists the ids")
    settings = merge(data, overrides)
    refuse_idle_options(given_overrides(), settings)
    return parse_task(settings, source=source)


def wants_bars(progress: bool | None) -> bool:
    """Decide whether to draw progress bars.

    Args:
        progress: What the user said, or None.
    """
    if progress is not None:
        return progress
    return sys.stderr.isatty() and not os.environ.get("CI")


def check_writable(file: Path | None) -> None:
    """Make sure before long work that its result can be written.

    Args:
        file: Where the result is to go, or None.

    Raises:
        UserError: There is no such folder, or the file cannot be written.
    """
    if file is None:
        return
    try:
        if file.is_dir() or not file.parent.is_dir():
            raise UserError(f"--json: expected a file in an existing folder, got {file}")
        target = file if file.exists() else file.parent
    except OSError as error:
        raise UserError(f"--json: {file} cannot be written ({error.strerror})") from None
    if not os.access(target, os.W_OK):
        raise UserError(f"--json: {file} cannot be written; choose another file")


def write_numbers(file: Path | None, numbers: Mapping[str, Any]) -> None:
    """Write what a command found as JSON, whole or not at all.

    Args:
        file: Where it goes, or None; a device such as /dev/stdout is written as it is.
        numbers: Plain data.

    Raises:
        UserError: The file cannot be written.
    """
    if file is None:
        return
    text = json.dumps(numbers, indent=2, allow_nan=False) + "\n"
    try:
        # a link or a device must not be replaced by a file
        if file.is_symlink() or (file.exists() and not file.is_file()):
            file.write_text(text, encoding="utf-8")
        else:
            write_text(file, text)
    except OSError as error:
        raise UserError(f"--json: {file} cannot be written ({error.strerror})") from None


def say_next(*commands: tuple[str, Path]) -> None:
    """End with the commands that one may want next, ready to be pasted into a shell.

    Args:
        *commands: A subcommand of `rl-attention` and the folder that it takes.
    """
    click.echo("\nNext:")
    for command, folder in commands:
        click.echo(f"  rl-attention {command} {shlex.quote(str(folder))}")
