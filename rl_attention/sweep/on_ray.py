"""Trials as tasks of a Ray cluster: one that runs already, or one for this command alone."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.executor import Attempts, Outcome, ProgressReader, Tally, Watcher
from rl_attention.sweep.ray_cluster import connected, count_slots, import_ray, wait_for_room
from rl_attention.sweep.shared_folder import judge_remote, mark_shared
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import LOST, Job, attempt, attempt_all

_POLL_S = 0.5
_COUNT_AGAIN_S = 5.0
_GRACE_S = 30.0
_NODES_COME_S = 60.0

Batch = list[Trial]


@dataclass(frozen=True)
class RayExecutor:
    """Runs trials as Ray tasks, spread over the nodes.

    A task whose worker or node dies is started again by Ray; a trial that met a passing error is
    handed in again from here. Either way it goes on where its run folder stands.

    Args:
        address: Of a running cluster; by default one is started on this machine.
        workers: Tasks at a time; by default as many as there is room for.
        cpus_per_trial: CPUs, and threads, of each.
        gpus_per_trial: GPUs of each; a share of one is fine.
        retries: How often a trial is tried again.
        batch: Trials that a task takes one after the other, in one process.
        attempt: Attempts one trial on a worker, and gives its exit code.
    """

    address: str | None = None
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0.0
    retries: int = 3
    batch: int = 1
    attempt: Callable[[Job], int] = attempt

    def run(self, trials: Sequence[Trial], watcher: Watcher) -> list[Outcome]:
        """Run trials; see `Executor`."""
        ray = import_ray(self.address)
        shared = mark_shared(trials[0].folder.parent.parent)
        attempts = Attempts(self.cpus_per_trial, self.retries, shared=shared)
        patience = 0.0 if self.address is None else _NODES_COME_S
        with connected(ray, self.address, retries=self.retries):
            wait_for_room(ray, self.cpus_per_trial, self.gpus_per_trial, patience=patience)
            return _Drive(ray, self, attempts, watcher).run(trials)


class _Drive:
    """The loop that hands tasks in and takes outcomes out."""

    def __init__(
        self, ray: Any, settings: RayExecutor, attempts: Attempts, watcher: Watcher
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._attempts = attempts
        self._tally = Tally(watcher)
        self._reader = ProgressReader(watcher)
        self._task = ray.remote(
            num_cpus=settings.cpus_per_trial,
            num_gpus=settings.gpus_per_trial,
            max_retries=settings.retries,
            scheduling_strategy="SPREAD",
        )(attempt_all)
        self._waiting: deque[Batch] = deque()
        self._running: dict[Any, Batch] = {}
        self._slots = 0
        self._counted = float("-inf")

    def run(self, trials: Sequence[Trial]) -> list[Outcome]:
        size = self._settings.batch
        self._waiting.extend(
            list(trials[first : first + size]) for first in range(0, len(trials), size)
        )
        try:
            while self._waiting or self._running:
                self._submit()
                for ref in self._wait():
                    self._collect(ref, self._running.pop(ref))
                self._reader.look([trial for batch in self._running.values() for trial in batch])
        except KeyboardInterrupt:
            self._cancel()
            raise
        return self._tally.outcomes(trials)

    def _submit(self) -> None:
        while self._waiting and len(self._running) < self._room():
            batch = self._waiting.popleft()
            jobs = [self._attempts.job(trial) for trial in batch]
            self._running[self._task.remote(self._settings.attempt, jobs)] = batch
            for trial in batch:
                self._tally.begin(trial)

    def _room(self) -> int:
        """One more than fits: it waits on the cluster while another's result is on its way."""
        if self._settings.workers:
            return self._settings.workers
        if time.monotonic() > self._counted + _COUNT_AGAIN_S:  # nodes come and go
            self._counted = time.monotonic()
            cpus, gpus = self._settings.cpus_per_trial, self._settings.gpus_per_trial
            self._slots = count_slots(self._ray, cpus, gpus)
        return self._slots + 1

    def _wait(self) -> list[Any]:
        refs = list(self._running)
        done, _ = self._ray.wait(refs, timeout=_POLL_S)
        if done:
            done, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        return list(done)

    def _collect(self, ref: Any, batch: Batch) -> None:
        exceptions = self._ray.exceptions
        try:
            codes = list(self._ray.get(ref))
        except exceptions.RayTaskError as error:  # the worker cannot even begin
            self._give_up(batch, f"failed ({str(error).strip().splitlines()[-1]})")
            return
        except exceptions.RayError as error:
            if len(batch) == 1:
                self._give_up(batch, f"lost its worker every time ({type(error).__name__})")
            else:  # one of them takes the others along
                self._waiting.extend([trial] for trial in batch)
            return
        codes += [LOST] * (len(batch) - len(codes))  # behind one that was stopped
        for trial, code in zip(batch, codes, strict=True):
            if self._attempts.again(trial, code):
                self._waiting.append([trial])
            else:
                self._tally.end(judge_remote(trial, code))

    def _give_up(self, batch: Batch, how: str) -> None:
        for trial in batch:
            finished = RunFolder(trial.folder).results.exists()
            line = f"{trial.name} {how}; its log is {RunFolder(trial.folder).log}"
            self._tally.end(Outcome(trial, None if finished else line))

    def _cancel(self) -> None:
        """Let each worker save what it has."""
        refs = list(self._running)
        for ref in refs:
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(ref, force=False)
        if refs:
            self._ray.wait(refs, num_returns=len(refs), timeout=_GRACE_S)
