"""What runs in a worker process: a trial, its output in its own log."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError

DONE, FAILED, REFUSED, ELSEWHERE, TRANSIENT, STOPPED = 0, 1, 2, 3, 75, 130
"""Exit codes: ELSEWHERE: this file system is another; TRANSIENT: worth another attempt."""

LOST = -1
"""In place of an exit code: the worker is gone, and nobody knows how."""

THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_PATIENCE_S = 60.0
_PAUSE_S = 1.0


@dataclass(frozen=True)
class Job:
    """One attempt at a trial, as plain data.

    Args:
        config: The run.
        folder: Its run folder.
        threads: CPU threads it may use.
        delay: Seconds to wait before it.
        shared: A file on the file system of the run folders, and what it says.
    """

    config: dict[str, Any]
    folder: Path
    threads: int
    delay: float = 0.0
    shared: tuple[Path, str] | None = None


def work(job: Job) -> None:
    """Attempt a trial in a process made for it, and leave by its exit code.

    Args:
        job: The attempt.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to everyone
    signal.signal(signal.SIGTERM, _stop)  # the parent passes it on by this one
    _redirect(job.folder / "log.txt")
    _end_with_parent()
    sys.exit(_run(job))


def attempt(job: Job) -> int:
    """Attempt a trial in this process, which serves several one after the other.

    Args:
        job: The attempt.

    Returns:
        What would be the exit code of a process of its own.
    """
    if not _sees(job.shared):
        return ELSEWHERE
    # the thread pools of what is not loaded yet
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(job.threads)))
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        with _output_in(job.folder / "log.txt"):
            print(f"On {socket.gethostname()}, process {os.getpid()}.", flush=True)
            return _run(job)
    except OSError:
        return TRANSIENT


def attempt_all(attempt: Callable[[Job], int], jobs: Sequence[Job]) -> list[int]:
    """Attempt trials one after the other.

    Args:
        attempt: Attempts one.
        jobs: All of them.

    Returns:
        An exit code for each; fewer where it was stopped.
    """
    codes: list[int] = []
    for job in jobs:
        codes.append(attempt(job))
        if codes[-1] == STOPPED:
            break
    return codes


def _run(job: Job) -> int:
    # a worker that is stopped while it imports has nothing to keep
    try:
        from rl_attention.experiment.config import RunConfig
        from rl_attention.experiment.training import run_trial
        from rl_attention.experiment.validation import validate

        time.sleep(job.delay)
        config = validate(RunConfig, job.config)
        _when_free(lambda: run_trial(config, job.folder, threads=job.threads), job.folder)
    except KeyboardInterrupt as error:
        print(str(error) or "Interrupted.", flush=True)
        return STOPPED
    except UserError as error:
        print(f"Error: {error}", flush=True)
        # a checkpoint that could not be written: the file system may be back soon
        return TRANSIENT if isinstance(error.__cause__, OSError) else REFUSED
    except SystemExit:
        raise  # a batch system takes its job back
    except BaseException as error:
        traceback.print_exc()
        return TRANSIENT if isinstance(error, OSError) else FAILED
    return DONE


def _when_free(run: Callable[[], object], folder: Path) -> None:
    """Run a trial, once whoever was at work in its folder before is gone.

    Raises:
        TimeoutError: Someone was at work there all the time.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            run()
            return
        except UserError:
            if not _is_held(folder):
                break
        time.sleep(_PAUSE_S)
    # a mistake comes again; a lock that was given back a moment ago is none
    try:
        run()
    except UserError as error:
        if _is_held(folder):
            raise TimeoutError(str(error)) from None
        raise


def _is_held(folder: Path) -> bool:
    from rl_attention.experiment.run_folder import RunFolder

    try:
        with RunFolder(folder).held():
            return False
    except UserError:
        return True


def _sees(shared: tuple[Path, str] | None) -> bool:
    if shared is None:
        return True
    file, text = shared
    try:
        return file.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _stop(signum: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is being saved is saved
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Stop as after Ctrl-C when the parent is gone: another may start the same run again."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _redirect(log: Path) -> None:
    """Add everything this process prints to a file, what C++ libraries print included."""
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


@contextmanager
def _output_in(log: Path) -> Iterator[None]:
    """Redirect for a while; the process may have given stdout a file of its own."""
    before = os.dup(1), os.dup(2)
    try:
        with (
            log.open("a", encoding="utf-8", buffering=1) as file,
            redirect_stdout(file),
            redirect_stderr(file),
        ):
            _redirect(log)
            yield
    finally:
        for number, copy in enumerate(before, start=1):
            os.dup2(copy, number)
            os.close(copy)
