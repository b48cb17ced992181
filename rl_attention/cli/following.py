"""Showing the progress of a run that goes on in this very process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from rl_attention.experiment.progress_file import read_progress
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.board import ProgressBoard
from rl_attention.sweep.trials import Trial

_POLL_S = 0.5


@contextmanager
def following(trial: Trial, *, bars: bool) -> Iterator[None]:
    """Show a trial's progress while the block runs.

    Args:
        trial: The trial that the block runs.
        bars: Whether to draw bars; without, nothing is shown.
    """
    if not bars:
        yield
        return
    over = threading.Event()
    path = RunFolder(trial.folder).progress
    with ProgressBoard([trial], Console(stderr=True), bars=True) as board:
        board.started(trial)

        def watch() -> None:
            while not over.wait(_POLL_S):
                progress = read_progress(path)
                if progress is not None:
                    board.progressed(trial, progress)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
