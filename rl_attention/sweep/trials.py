"""From a task file or a suite to the list of its runs."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_attention.comparison.results import KEPT
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.run_folder import locate
from rl_attention.experiment.suite_config import SuiteConfig
from rl_attention.experiment.task_config import CompareConfig

_HASH_DIGITS = 8


@dataclass(frozen=True)
class Trial:
    """One run that is to be done.

    Args:
        arm: Name of its arm.
        seed: Its seed.
        config: Its config.
        folder: Its run folder.
        task: Name of its task in a suite.
        record: Where a small file of its results is kept; None: nowhere.
    """

    arm: str
    seed: int
    config: RunConfig
    folder: Path
    task: str = ""
    record: Path | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.task} {self.arm} seed {self.seed}".lstrip()


def hash_settings(config: RunConfig) -> str:
    """Return eight hexadecimal digits that change with any setting.

    Args:
        config: The run.
    """
    text = json.dumps(config.dump(), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def locate_by_hash(runs: Path, config: RunConfig) -> Path:
    """Return where a sweep puts a run: `<runs>/<env>/<arm>_<algo>_s<seed>_<hash>`.

    Args:
        runs: Where run folders go.
        config: The run.
    """
    folder = locate(runs, config)
    return folder.with_name(f"{folder.name}_{hash_settings(config)}")


def expand(
    task: CompareConfig,
    runs: Path,
    *,
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[Trial]:
    """List every arm with every seed: all arms of the first seed, then of the next.

    That order gives a first impression of every arm early.

    Args:
        task: What to compare.
        runs: Where run folders go.
        arms: Only these; by default all.
        seeds: These in place of the task's.

    Raises:
        UserError: An arm is unknown, or two runs would share a folder.
    """
    chosen = tuple(task.arms) if arms is None else tuple(arms)
    trials = []
    for seed in task.seeds if seeds is None else seeds:
        for arm in chosen:
            config = task.run(arm, seed)
            trials.append(Trial(arm, seed, config, locate(runs, config)))
    twice = _find_twice(trials)
    if twice is not None:
        raise UserError(
            f"compare: two runs would share the folder {twice.folder}; name arms and seeds once"
        )
    return trials


def expand_suite(
    suite: SuiteConfig, runs: Path, *, threads: int = 1, results: Path | None = None
) -> list[Trial]:
    """List every task with every arm and seed, the first seed of all of them first.

    The number of threads changes the last bits of a run, so it becomes one of its settings.

    Args:
        suite: What to run.
        runs: Where run folders go.
        threads: CPU threads of a trial whose settings leave them open.
        results: Where a small file is kept of each, `<results>/<task>/<arm>_s<seed>.result.json`.

    Raises:
        UserError: Two runs are the same.
    """
    tasks = suite.tasks
    trials = []
    for seed in next(iter(tasks.values())).seeds:
        for name, task in tasks.items():
            for arm in task.arms:
                config = task.run(arm, seed)
                counted = config.model_copy(update={"num_threads": config.num_threads or threads})
                folder = locate_by_hash(runs, counted)
                kept = results and results / name / f"{arm}_s{seed}{KEPT}"
                trials.append(Trial(arm, seed, counted, folder, name, kept))
    twice = _find_twice(trials)
    if twice is not None:
        raise UserError(
            f"SUITE: {twice.name} is there twice, with the same settings; leave one of them out"
        )
    return trials


def _find_twice(trials: Sequence[Trial]) -> Trial | None:
    counts = Counter(trial.folder for trial in trials)
    return next((trial for trial in trials if counts[trial.folder] > 1), None)
