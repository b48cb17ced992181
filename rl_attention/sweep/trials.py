"""From a task file to the list of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.run_folder import locate
from rl_attention.experiment.task_config import CompareConfig


@dataclass(frozen=True)
class Trial:
    """One run that is to be done.

    Args:
        arm: Name of its arm.
        seed: Its seed.
        config: Its config.
        folder: Its run folder.
    """

    arm: str
    seed: int
    config: RunConfig
    folder: Path

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.arm} seed {self.seed}"


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
    folders = [trial.folder for trial in trials]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise UserError(
            f"compare: two runs would share the folder {twice}; name arms and seeds once"
        )
    return trials
