"""Trials in parallel processes of this machine."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.executor import (
    Attempts,
    Outcome,
    ProgressReader,
    Tally,
    Watcher,
    count_cpus,
    judge,
)
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import FAILED, THREAD_SETTINGS, Job, work

_POLL_S = 0.2
_GRACE_S = 30.0


@dataclass(frozen=True)
class LocalExecutor:
    """Runs each trial in a process of its own on this machine.

    Must be used from the main thread: Ctrl-C lets each worker save what it has before it ends.

    Args:
        workers: How many at a time; by default as many as there are CPUs for.
        cpus_per_trial: CPU threads of each; by default the CPUs divided fairly among the workers.
        retries: How often a trial that met a passing error, or was killed, is tried again.
    """

    workers: int | None = None
    cpus_per_trial: int | None = None
    retries: int = 0

    def run(self, trials: Sequence[Trial], watcher: Watcher) -> list[Outcome]:
        """Run trials; see `Executor`."""
        slots, threads = self._divide(len(trials))
        attempts = Attempts(threads, self.retries)
        reader = ProgressReader(watcher)
        waiting, running = list(reversed(trials)), dict[BaseProcess, Trial]()
        tally = Tally(watcher)
        try:
            while waiting or running:
                while waiting and len(running) < slots:
                    trial = waiting.pop()
                    running[_start(trial, attempts.job(trial))] = trial
                    tally.begin(trial)
                time.sleep(_POLL_S)
                reader.look(running.values())
                for process in [process for process in running if not process.is_alive()]:
                    trial = running.pop(process)
                    code = FAILED if process.exitcode is None else process.exitcode
                    if attempts.again(trial, code):
                        running[_start(trial, attempts.job(trial))] = trial
                    else:
                        tally.end(judge(trial, code))
        finally:
            _stop(list(running))
        return tally.outcomes(trials)

    def _divide(self, n_trials: int) -> tuple[int, int]:
        """How many at a time, and the threads of each."""
        cpus = count_cpus()
        most = cpus // (self.cpus_per_trial or 1)
        slots = max(1, min(self.workers or most, n_trials))
        return slots, self.cpus_per_trial or max(1, cpus // slots)


def _start(trial: Trial, job: Job) -> BaseProcess:
    RunFolder(trial.folder).create()
    context = multiprocessing.get_context("spawn")
    # no daemon: environments may want processes of their own
    process = context.Process(target=work, args=(job,), name=trial.name, daemon=False)
    with _settings_for_children(job.threads):
        process.start()
    return process


@contextmanager
def _settings_for_children(threads: int) -> Iterator[None]:
    """Let a child ignore Ctrl-C from its first moment, and size its thread pools as it loads."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _stop(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
