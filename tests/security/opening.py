"""Commands on run folders, and an ear for what is unpickled meanwhile."""

import re
import sys
from contextlib import contextmanager

from click.testing import CliRunner

from rl_attention.cli.main import main
from rl_attention.errors import UserError

DOORKEY = "MiniGrid-DoorKey-5x5-v0"
TINY = [
    *("--env", DOORKEY, "-n", "64", "--n-envs", "2", "--eval-episodes", "2"),
    *("--recording.snapshots", "2", "--recording.n_probes", "2"),
    *("-params", "n_steps:8", "--num-threads", "1", "--device", "cpu"),
]
FLAT = ["--arm", "flat", "--env.normalize", "true"]
ARMS = {"attention": [], "flat": FLAT}

_heard = []
_listening = []


def _listen(event, arguments):
    if _listening and (event == "pickle.find_class" or event in ("os.system", "subprocess.Popen")):
        _heard.append((event, str(arguments)))


sys.addaudithook(_listen)  # it cannot be taken away again


@contextmanager
def nothing_unpickled():
    """Fail if anything is unpickled, or a program started, within the block."""
    _heard.clear()
    _listening.append(True)
    try:
        yield
    finally:
        _listening.pop()
    assert not _heard


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result):
    """The line of a refusal."""
    assert result.exit_code == 2, (result.output, result.exception)
    assert re.fullmatch(r"Error: .+\n", result.stderr), result.stderr
    assert result.stderr[:-1].isprintable()
    return result.stderr


def complaint(function, *arguments):
    """The line of a refusal, or None where there is none."""
    try:
        function(*arguments)
    except UserError as error:
        return str(error)
    return None


def folder_of(runs, arm="attention"):
    return runs / DOORKEY / f"{arm}_ppo_s0"
