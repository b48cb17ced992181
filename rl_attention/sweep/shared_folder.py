"""Making sure that workers elsewhere see the file system of the run folders."""

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

from rl_attention.errors import UserError
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.executor import Outcome, judge
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import DONE, ELSEWHERE, LOST

_FILE = ".shared"
_SHOWN_LATE_S = 60.0
_PAUSE_S = 0.5


def mark_shared(runs: Path) -> tuple[Path, str]:
    """Make sure of a file that workers look for before they begin.

    Args:
        runs: The folder above all run folders.

    Returns:
        Its absolute path, and what it says: always the same for this folder, as network file
        systems may show what was there before.

    Raises:
        UserError: It cannot be written.
    """
    file = runs.absolute() / _FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), file.open("x", encoding="utf-8") as new:
            new.write(uuid.uuid4().hex)
        return file, file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{runs}: cannot be written ({error.strerror}); choose another with -f/--log-folder"
        ) from None


def judge_remote(trial: Trial, code: int) -> Outcome:
    """Say in one line how a trial ended that ran on another machine.

    Args:
        trial: The trial.
        code: What its worker said; below 0: it is gone.
    """
    run = RunFolder(trial.folder)
    if code == DONE and _shows(run.results):
        return Outcome(trial, None)
    if code == ELSEWHERE:
        return Outcome(
            trial,
            f"{trial.name}: a worker does not see {trial.folder.parent.parent}; "
            "expected -f/--log-folder on a file system that all nodes share",
        )
    if code == LOST:
        return Outcome(trial, f"{trial.name} was lost with its worker; its log is {run.log}")
    return judge(trial, code)


def _shows(file: Path) -> bool:
    """Wait for a file that another machine wrote: network file systems remember what was absent."""
    deadline = time.monotonic() + _SHOWN_LATE_S
    while True:
        # listing the folder asks the server again
        if file.parent.is_dir() and file.name in os.listdir(file.parent):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
