"""Attempts without any training: how a trial ends depends on its seed."""

import json
import os
import signal
import sys
from pathlib import Path

from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep import expand
from rl_attention.sweep.worker import DONE, REFUSED, STOPPED, TRANSIENT

FINE, PASSING, DIES_ONCE, DIES, REFUSES, BREAKS, PREEMPTED, STOPS, LAST = range(9)


class Notes:
    """A watcher that writes everything down."""

    def __init__(self):
        self.began, self.over, self.moved = [], [], []

    def started(self, trial):
        self.began.append(trial.name)

    def progressed(self, trial, progress):
        self.moved.append((trial.name, progress.frames))

    def ended(self, outcome):
        self.over.append(outcome)


def make_trials(runs, seeds):
    task = parse_task({"env": {"id": "E"}, "arms": {"mlp": {}}, "seeds": list(seeds)})
    return expand(task, Path(runs))


def attempt(job):
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "log.txt").open("a") as log:
        print(f"started in process {os.getpid()}", file=log)
    again = (job.folder / "again").exists()
    (job.folder / "again").touch()
    kind = job.config["seed"]
    if kind == PASSING and not again:
        return TRANSIENT
    if kind == DIES or (kind == DIES_ONCE and not again):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == REFUSES:
        (job.folder / "log.txt").write_text("Error: it cannot be had\n")
        return REFUSED
    if kind == BREAKS:
        raise RuntimeError("broken beyond repair")
    if kind == PREEMPTED and not again:
        os.kill(os.getpid(), signal.SIGUSR2)
    if kind == STOPS:
        return STOPPED
    return trivial(job)


def trivial(job):
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "results.json").write_text(json.dumps({"process": os.getpid()}))
    return DONE


def look_around(job):
    import ray

    job.folder.mkdir(parents=True, exist_ok=True)
    found = {
        "address": ray.util.get_node_ip_address(),
        "mode": os.environ.get("RAY_AUTH_MODE"),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    (job.folder / "results.json").write_text(json.dumps(found))
    return DONE


def work(job):
    sys.exit(attempt(job))


def count_starts(trial):
    return (trial.folder / "log.txt").read_text().count("started")


def processes(trials):
    return {json.loads((trial.folder / "results.json").read_text())["process"] for trial in trials}
