"""What runs in a worker process: one trial, its output in its own log."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError

DONE, FAILED, REFUSED, STOPPED = 0, 1, 2, 130


def work(config: dict[str, Any], folder: Path, threads: int) -> None:
    """Run one trial and leave by its exit code.

    Args:
        config: The run, as plain data.
        folder: Its run folder.
        threads: CPU threads it may use.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to everyone
    signal.signal(signal.SIGTERM, _stop)  # the parent passes it on by this one
    _redirect(folder / "log.txt")
    _end_with_parent()
    sys.exit(_run(config, folder, threads))


def _run(config: dict[str, Any], folder: Path, threads: int) -> int:
    # a worker that is stopped while it imports has nothing to keep
    try:
        from rl_attention.experiment.config import RunConfig
        from rl_attention.experiment.training import run_trial
        from rl_attention.experiment.validation import validate

        run_trial(validate(RunConfig, config), folder, threads=threads)
    except KeyboardInterrupt as error:
        print(str(error) or "Interrupted.", flush=True)
        return STOPPED
    except UserError as error:
        print(f"Error: {error}", flush=True)
        return REFUSED
    except BaseException:
        traceback.print_exc()
        return FAILED
    return DONE


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
