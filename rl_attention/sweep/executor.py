"""What every executor takes and gives: trials in, events to a watcher, one outcome a trial."""

import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rl_attention.experiment.progress_file import Progress, read_progress
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import DONE, REFUSED, TRANSIENT, Job

_READS_AT_ONCE = 50
_PAUSE_S = 0.2
_LONGEST_DELAY_S = 60.0


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


class Executor(Protocol):
    """Whoever runs trials somewhere."""

    def run(self, trials: Sequence[Trial], watcher: Watcher) -> list[Outcome]:
        """Run trials; one that fails takes no other with it.

        Args:
            trials: What to run.
            watcher: Shows what goes on.

        Returns:
            One outcome for each trial, in the same order.

        Raises:
            UserError: This executor cannot be had here.
            KeyboardInterrupt: Ctrl-C came, and all workers have ended.
        """


class Attempts:
    """Counts how often trials were tried again, and makes the next job of each.

    Args:
        threads: CPU threads of a trial.
        retries: How often one that met a passing error, or lost its worker, is tried again.
        shared: A file and what it says, if workers may see another file system.
    """

    def __init__(
        self, threads: int, retries: int, *, shared: tuple[Path, str] | None = None
    ) -> None:
        self._threads = threads
        self._retries = retries
        self._shared = shared
        self._again: dict[Path, int] = {}

    def job(self, trial: Trial) -> Job:
        """Describe the next attempt; each waits twice as long as the one before."""
        again = self._again.get(trial.folder, 0)
        delay = min(2.0**again, _LONGEST_DELAY_S) if again else 0.0
        folder = trial.folder.absolute()
        return Job(trial.config.dump(), folder, self._threads, delay, self._shared)

    def again(self, trial: Trial, code: int) -> bool:
        """Say whether a trial that ended this way is to be tried again, and count it.

        Args:
            trial: The trial.
            code: How it ended; below 0: by a signal, or with its worker.
        """
        used = self._again.get(trial.folder, 0)
        if (code != TRANSIENT and code >= 0) or used >= self._retries:
            return False
        self._again[trial.folder] = used + 1
        return True


class Tally:
    """Keeps the outcomes, and tells a watcher of each beginning and end once.

    Args:
        watcher: Is told.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._begun: set[Path] = set()
        self._outcomes: dict[Path, Outcome] = {}

    def begin(self, trial: Trial) -> None:
        """Say that a trial begins, unless it did before."""
        if trial.folder not in self._begun:
            self._begun.add(trial.folder)
            self._watcher.started(trial)

    def end(self, outcome: Outcome) -> None:
        """Say that a trial is over."""
        self._outcomes[outcome.trial.folder] = outcome
        report(outcome.trial, self._watcher)
        self._watcher.ended(outcome)

    def outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Return the outcome of each trial, all of which are over."""
        return [self._outcomes[trial.folder] for trial in trials]


class ProgressReader:
    """Reads the progress of running trials, a few at a time: a shared file system has its limits.

    Args:
        watcher: Is told.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._next = 0
        self._earliest = 0.0

    def look(self, running: Collection[Trial]) -> None:
        """Read the next few, if the last few are some time ago.

        Args:
            running: All that run, in an order that lasts.
        """
        now = time.monotonic()
        if now < self._earliest or not running:
            return
        self._earliest = now + _PAUSE_S
        trials = list(running)
        count = min(_READS_AT_ONCE, len(trials))
        for index in range(self._next, self._next + count):
            report(trials[index % len(trials)], self._watcher)
        self._next = (self._next + count) % len(trials)


def report(trial: Trial, watcher: Watcher) -> None:
    """Tell a watcher how far a trial is, if that is known."""
    progress = read_progress(RunFolder(trial.folder).progress)
    if progress is not None:
        watcher.progressed(trial, progress)


def judge(trial: Trial, code: int) -> Outcome:
    """Say in one line how a trial ended.

    Args:
        trial: The trial.
        code: The exit code of its worker; below 0: killed by a signal.
    """
    run = RunFolder(trial.folder)
    if code == DONE and run.results.exists():
        return Outcome(trial, None)
    last = last_line(run.log)
    if code == REFUSED:
        return Outcome(trial, f"{trial.name}: {last.removeprefix('Error: ')}")
    how = f"was killed by signal {-code}" if code < 0 else f"failed ({last})"
    return Outcome(trial, f"{trial.name} {how}; its log is {run.log}")


def last_line(log: Path) -> str:
    """Return the last line of a log that says anything."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "empty log")


def count_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
