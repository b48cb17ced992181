"""Trials as arrays of Slurm jobs, by submitit."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep.executor import Attempts, Outcome, ProgressReader, Tally, Watcher
from rl_attention.sweep.shared_folder import judge_remote, mark_shared
from rl_attention.sweep.slurm_jobs import SlurmTask, make_submitter
from rl_attention.sweep.trials import Trial
from rl_attention.sweep.worker import LOST, Job, attempt

_FOLDER = ".slurm"
_ARRAY = 1000
"""Jobs of an array; Slurm's own limit, MaxArraySize, is 1001 unless a site says otherwise."""

_POLL_S = 1.0
_JOBS_A_SECOND = 200

Batch = list[Trial]


@dataclass(frozen=True)
class SlurmExecutor:
    """Runs trials as Slurm jobs, up to a thousand in an array.

    Args:
        partition: Where; by default the site's.
        minutes: Time limit of a job, which is then handed in again.
        options: Further options of submitit, such as `account`.
        workers: Jobs at a time; by default as many as Slurm grants, 256 at most.
        cpus_per_trial: CPUs, and threads, of each.
        gpus_per_trial: GPUs of each, whole ones.
        retries: How often a trial is tried again.
        batch: Trials that a job takes one after the other.
        cluster: `slurm`, or submitit's `local`, which starts processes here.
        attempt: Attempts one trial on a node, and gives its exit code.
    """

    partition: str | None = None
    minutes: int = 240
    options: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: int = 0
    retries: int = 3
    batch: int = 1
    cluster: str = "slurm"
    attempt: Callable[[Job], int] = attempt

    def run(self, trials: Sequence[Trial], watcher: Watcher) -> list[Outcome]:
        """Run trials; see `Executor`."""
        runs = trials[0].folder.parent.parent
        executor = make_submitter(
            runs.absolute() / _FOLDER,
            cluster=self.cluster,
            timeouts=self.retries,
            options={
                "timeout_min": self.minutes,
                "cpus_per_task": self.cpus_per_trial,
                "gpus_per_node": self.gpus_per_trial or None,
                "slurm_partition": self.partition,
                "slurm_array_parallelism": self.workers,
                **{f"slurm_{name}": value for name, value in self.options.items()},
            },
        )
        attempts = Attempts(self.cpus_per_trial, self.retries, shared=mark_shared(runs))
        return _Drive(executor, self, attempts, watcher).run(trials)


class _Drive:
    """The loop that hands jobs in and takes outcomes out."""

    def __init__(
        self, executor: Any, settings: SlurmExecutor, attempts: Attempts, watcher: Watcher
    ) -> None:
        self._executor = executor
        self._settings = settings
        self._attempts = attempts
        self._tally = Tally(watcher)
        self._reader = ProgressReader(watcher)
        self._running: dict[Any, Batch] = {}
        self._without_result: set[str] = set()

    def run(self, trials: Sequence[Trial]) -> list[Outcome]:
        size = self._settings.batch * _ARRAY
        try:
            for first in range(0, len(trials), size):
                self._submit(trials[first : first + size])
            while self._running:
                time.sleep(max(_POLL_S, len(self._running) / _JOBS_A_SECOND))
                for job in [job for job in self._running if self._is_over(job)]:
                    self._collect(job, self._running.pop(job))
                self._reader.look([trial for batch in self._running.values() for trial in batch])
        except KeyboardInterrupt:
            self._cancel()
            raise
        return self._tally.outcomes(trials)

    def _submit(self, trials: Sequence[Trial]) -> None:
        """Hand in one array."""
        size = self._settings.batch
        batches = [list(trials[first : first + size]) for first in range(0, len(trials), size)]
        with self._executor.batch():
            jobs = [self._executor.submit(self._task(batch)) for batch in batches]
        self._running.update(zip(jobs, batches, strict=True))
        for trial in trials:
            self._tally.begin(trial)

    def _task(self, batch: Batch) -> SlurmTask:
        jobs = tuple(self._attempts.job(trial) for trial in batch)
        return SlurmTask(self._settings.attempt, jobs)

    def _is_over(self, job: Any) -> bool:
        """Wait one more round for a result: it comes by the file system, later than the state."""
        if not job.done():
            return False
        if job.paths.result_pickle.exists() or job.job_id in self._without_result:
            return True
        self._without_result.add(job.job_id)
        return False

    def _collect(self, job: Any, batch: Batch) -> None:
        codes: list[int] = []
        if job.paths.result_pickle.exists():
            with suppress(Exception):  # whatever submitit found in place of a result
                codes = list(job.result())
        codes += [LOST] * (len(batch) - len(codes))
        for trial, code in zip(batch, codes, strict=True):
            if RunFolder(trial.folder).results.exists():
                self._tally.end(Outcome(trial, None))
            elif self._attempts.again(trial, code):
                self._running[self._executor.submit(self._task([trial]))] = [trial]
            else:
                self._tally.end(judge_remote(trial, code))

    def _cancel(self) -> None:
        for job in self._running:
            with suppress(Exception):  # some may be over
                job.cancel(check=False)
