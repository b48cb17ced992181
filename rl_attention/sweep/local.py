"""Trials in parallel processes of this machine."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from rl_attention.experiment.progress_file import Progress, read_progress
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import DONE, REFUSED, work

_POLL_S = 0.2
_GRACE_S = 30.0


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Args:
        trial: The trial.
        error: One line, or None if it finished.
    """

    trial: Trial
    error: str | None


class Watcher(Protocol):
    """Whoever shows what goes on."""

    def started(self, trial: Trial) -> None:
        """A trial begins."""

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """A trial says how far it is."""

    def ended(self, outcome: Outcome) -> None:
        """A trial is over."""


def count_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_trials(
    trials: Sequence[Trial], watcher: Watcher, *, workers: int | None = None
) -> list[Outcome]:
    """Run trials in processes of their own, with the CPUs divided fairly among them.

    A trial that fails takes no other with it. Must be called from the main thread: Ctrl-C lets each
    worker save what it has before it ends.

    Args:
        trials: What to run.
        watcher: Shows what goes on.
        workers: How many at a time; by default one for each CPU.

    Returns:
        One outcome for each trial, in the same order.

    Raises:
        KeyboardInterrupt: Ctrl-C came, and all workers have ended.
    """
    cpus = count_cpus()
    slots = max(1, min(workers or cpus, len(trials)))
    threads = max(1, cpus // slots)
    waiting, running = list(trials), dict[BaseProcess, Trial]()
    outcomes: dict[Path, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < slots:
                trial = waiting.pop(0)
                running[_start(trial, threads)] = trial
                watcher.started(trial)
            time.sleep(_POLL_S)
            for process, trial in list(running.items()):
                _watch(trial, watcher)
                if process.is_alive():
                    continue
                del running[process]
                outcomes[trial.folder] = outcome = _judge(trial, process)
                watcher.ended(outcome)
    finally:
        _stop(list(running))
    return [outcomes[trial.folder] for trial in trials]


def _start(trial: Trial, threads: int) -> BaseProcess:
    RunFolder(trial.folder).create()
    context = multiprocessing.get_context("spawn")
    arguments = (trial.config.dump(), trial.folder, threads)
    process = context.Process(target=work, args=arguments, name=trial.name, daemon=True)
    with _settings_for_children(threads):
        process.start()
    return process


@contextmanager
def _settings_for_children(threads: int) -> Iterator[None]:
    """Let a child ignore Ctrl-C from its first moment, and size its thread pools as it loads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(names, str(threads)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _watch(trial: Trial, watcher: Watcher) -> None:
    progress = read_progress(RunFolder(trial.folder).progress)
    if progress is not None:
        watcher.progressed(trial, progress)


def _judge(trial: Trial, process: BaseProcess) -> Outcome:
    run = RunFolder(trial.folder)
    if process.exitcode == DONE and run.results.exists():
        return Outcome(trial, None)
    last = _last_line(run.log)
    if process.exitcode == REFUSED:
        return Outcome(trial, f"{trial.name}: {last.removeprefix('Error: ')}")
    code = process.exitcode or 0
    how = f"was killed by signal {-code}" if code < 0 else f"failed ({last})"
    return Outcome(trial, f"{trial.name} {how}; its log is {run.log}")


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "empty log")


def _stop(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
