"""`rl-attention demo`: attention against an MLP, in a few minutes."""

from pathlib import Path

import click

from rl_attention.cli.common import (
    check_writable,
    json_option,
    load_given_task,
    progress_option,
    wants_bars,
)
from rl_attention.cli.errors import debug_option


@click.command("demo")
@click.option(
    "-f",
    "--log-folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/demo"),
    show_default=True,
    help="Where run folders go.",
)
@json_option
@progress_option
@debug_option
def command(log_folder: Path, json_file: Path | None, progress: bool | None) -> None:
    """Train attention and an MLP on a small task, three seeds each, and compare them."""
    check_writable(json_file)
    task = load_given_task("demo")

    from rl_attention.cli.comparing import finish, read_finished, run_missing, show_comparison
    from rl_attention.sweep import expand

    trials = expand(task, log_folder)
    errors = run_missing(trials, workers=None, bars=wants_bars(progress))
    if len(errors) < len(trials):
        show_comparison(read_finished(trials), baseline=None, json_file=json_file)
    finish(trials, errors)
