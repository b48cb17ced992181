"""Ten thousand trials of no length through the Ray executor: what a trial costs besides itself.

Usage: python -m benchmarks.sweep_throughput [--trials N] [--batch N] [--workers N] [--json FILE]
"""

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.measure import describe_machine, format_table, json_option, warn_if_busy
from rl_attention.errors import UserError
from rl_attention.experiment.progress_file import Progress
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.suite_config import parse_suite
from rl_attention.files import write_json
from rl_attention.sweep import Outcome, Trial, expand_suite
from rl_attention.sweep.on_ray import RayExecutor
from rl_attention.sweep.worker import DONE, Job

MIB = 2**20


def trivial(job: Job) -> int:
    """Stand in for training: a folder and its results."""
    job.folder.mkdir(parents=True, exist_ok=True)
    write_json(RunFolder(job.folder).results, {"seed": job.config["seed"]})
    return DONE


class Counter:
    """A watcher that counts."""

    def __init__(self) -> None:
        self.ended_at: list[float] = []

    def started(self, trial: Trial) -> None:
        """Nothing to count."""

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """Nothing to count."""

    def ended(self, outcome: Outcome) -> None:
        """Remember when."""
        if outcome.error is not None:
            raise UserError(outcome.error)
        self.ended_at.append(time.perf_counter())


def make_trials(n_trials: int, runs: Path) -> list[Trial]:
    """List as many trials as are wanted, one seed each."""
    data = {"env": {"id": "E"}, "arms": {"mlp": {}}, "seeds": list(range(n_trials))}
    return expand_suite(parse_suite(data, name="trivial"), runs)


def resident_bytes() -> int:
    """Peak of this process's resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(trials: Sequence[Trial], executor: RayExecutor) -> dict[str, float]:
    """Run all trials and time them.

    Args:
        trials: What to run.
        executor: Who runs them.
    """
    before, counter, began = resident_bytes(), Counter(), time.perf_counter()
    outcomes = executor.run(trials, counter)
    seconds = time.perf_counter() - began
    assert len(outcomes) == len(trials)
    working = counter.ended_at[-1] - counter.ended_at[0]
    first = min(executor.batch, len(trials))
    return {
        "trials": len(trials),
        "seconds": round(seconds, 1),
        "seconds_to_first": round(counter.ended_at[0] - began, 1),
        "trials_a_second": round((len(trials) - first) / max(working, 1e-9), 1),
        "driver_mib_before": round(before / MIB, 1),
        "driver_mib_peak": round(resident_bytes() / MIB, 1),
    }


@click.command()
@click.option("--trials", "n_trials", type=click.IntRange(min=2), default=10_000, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@json_option
def main(n_trials: int, batch: int, workers: int, json_file: Path | None) -> None:
    """Measure trials a second, and the memory of the driver."""
    machine = describe_machine(workers)
    warn_if_busy(machine)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trials = make_trials(n_trials, Path(folder))
        listed = time.perf_counter() - began
        found = measure(trials, RayExecutor(workers=workers, batch=batch, attempt=trivial))
    found = {**found, "batch": batch, "seconds_to_list": round(listed, 1)}
    click.echo(format_table([["", ""], *([name, f"{value:g}"] for name, value in found.items())]))
    if json_file is not None:
        write_json(json_file, {"machine": machine, **found})


if __name__ == "__main__":
    main()
