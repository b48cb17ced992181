"""`rl-attention tensorboard`: the runs, with every image on the slider."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from rl_attention.cli.errors import Failure, debug_option
from rl_attention.errors import UserError

_IMAGES = 200  # TensorBoard keeps 10 of each by default

# `python -m` would look for tensorboard in the current folder first, and every run folder has a
# folder of that name
_START = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from tensorboard.main import run_main; run_main()"
)


@click.command("tensorboard")
@click.argument("runs", type=click.Path(path_type=Path), default=Path("runs"))
@click.option(
    "--port", type=click.IntRange(1, 65535), default=6006, show_default=True, help="Port."
)
@click.option("--dry-run", is_flag=True, help="Print the command and do not run it.")
@debug_option
def command(runs: Path, port: int, dry_run: bool) -> None:
    """Open TensorBoard on RUNS (a run folder, or a folder of them), on this machine only.

    To look from another machine, forward the port: ssh -L 6006:localhost:6006 HOST.
    """
    if not os.path.isdir(runs):
        raise UserError(f"expected a folder of runs, got {runs}: there is no such folder")
    arguments = [sys.executable, "-c", _START, f"--logdir={runs}"]
    arguments += ["--host", "localhost", "--port", str(port)]  # it has no password
    arguments += ["--samples_per_plugin", f"images={_IMAGES}"]
    if dry_run:
        click.echo(shlex.join(arguments))
        return
    status = subprocess.run(arguments, check=False).returncode
    if status != 0:
        raise Failure(f"tensorboard ended with exit code {status}")
