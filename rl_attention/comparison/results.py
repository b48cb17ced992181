"""Finished runs, read from their folders and checked."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rl_attention.errors import UserError
from rl_attention.files import read_json
from rl_attention.json_fields import Fields

FILE = "results.json"


@dataclass(frozen=True)
class RunResult:
    """What a comparison needs of one finished run.

    Args:
        env: Environment id.
        arm: Name of the arm.
        algo: Algorithm.
        seed: Seed.
        n_timesteps: Frames asked for.
        n_eval_episodes: Evaluation episodes.
        success_rate: Share of them that reached the goal.
        mean_reward: Their mean return.
        frames_to_90: Frames until 90 % success in training; None: never.
        parameters: Trainable numbers of the policy.
        fps: Training frames a second.
        entity_overflow: Entities that did not fit into the view in training.
    """

    env: str
    arm: str
    algo: str
    seed: int
    n_timesteps: int
    n_eval_episodes: int
    success_rate: float
    mean_reward: float
    frames_to_90: int | None
    parameters: int
    fps: float
    entity_overflow: int = 0


def read_run(folder: Path) -> RunResult:
    """Read one run.

    Args:
        folder: A run folder with `results.json`.

    Raises:
        UserError: The run is not finished, or its results are damaged.
    """
    path = folder / FILE
    if not os.path.lexists(path):
        raise UserError(f"{folder}: not finished, there is no {FILE}")
    told = Fields(read_json(path), path)
    return RunResult(
        env=told.name("env"),
        arm=told.name("arm"),
        algo=told.name("algo"),
        seed=told.whole("seed"),
        n_timesteps=told.whole("n_timesteps"),
        n_eval_episodes=told.whole("n_eval_episodes"),
        success_rate=told.share("success_rate"),
        mean_reward=told.number("mean_reward"),
        frames_to_90=None if told.is_null("frames_to_90") else told.whole("frames_to_90"),
        parameters=told.below("parameters").whole("policy"),
        fps=told.number("fps"),
        entity_overflow=told.whole("entity_overflow"),
    )


def read_runs(folders: Iterable[Path]) -> list[RunResult]:
    """Read several runs.

    Args:
        folders: Run folders, each with `results.json`.

    Raises:
        UserError: One of them is not finished or damaged.
    """
    return [read_run(folder) for folder in folders]
