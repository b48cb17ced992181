"""Finished runs, read from their folders or from what was kept of them, and checked."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.files import read_json
from rl_attention.imitation_result import ImitationResult
from rl_attention.json_fields import Fields
from rl_attention.zero_shot_result import ZeroShotResult

FILE = "results.json"
KEPT = ".result.json"
"""How the name of a file ends that alone is kept of a finished run."""


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
        task: Name of the task in a suite; by default the environment's id.
        std_reward: Standard deviation of the episodes' returns.
        curve: Frames and success rate in training, at most some 200 pairs.
        operations: Floating-point operations of one decision; None: not counted.
        zero_shot: From the name of a test on what was never trained to its outcome; None where it
            means nothing for what the arm sees.
        imitation: What an imitation counted; None for any other training.
        settings: The whole config, as plain data.
        versions: Packages and their versions.
        path: Where it was read.
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
    task: str = ""
    std_reward: float = 0.0
    curve: list[list[float]] = field(default_factory=list)
    operations: int | None = None
    zero_shot: dict[str, ZeroShotResult | None] = field(default_factory=dict)
    imitation: ImitationResult | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    path: Path | None = None


def read_run(path: Path) -> RunResult:
    """Read one run.

    Args:
        path: A run folder with `results.json`, or a file that was kept of one.

    Raises:
        UserError: The run is not finished, or its results are damaged.
    """
    file = path / FILE if path.is_dir() else path
    if not os.path.lexists(file):
        raise UserError(f"{path}: not finished, there is no {file.name}")
    told = Fields(read_json(file), file)
    env = told.name("env")
    return RunResult(
        env=env,
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
        task=env if told.is_absent("task") else told.name("task"),
        std_reward=told.number("std_reward"),
        curve=told.pairs("curve"),
        operations=None if told.is_absent("operations") else told.whole("operations"),
        zero_shot=ZeroShotResult.read_all(told.below_if_there("zero_shot")),
        imitation=None
        if told.is_absent("imitation")
        else ImitationResult.read(told.below("imitation")),
        settings=dict(told.below_if_there("settings").data),
        versions=told.below("versions").texts(),
        path=path,
    )


def read_runs(paths: Iterable[Path]) -> list[RunResult]:
    """Read several runs.

    Args:
        paths: Run folders, each with `results.json`, or files that were kept of runs.

    Raises:
        UserError: One of them is not finished or damaged.
    """
    return [read_run(path) for path in paths]


def find_runs(places: Iterable[Path]) -> list[Path]:
    """List the finished runs at or below some places, in the order of their names.

    Args:
        places: Run folders, kept files, or folders that hold such anywhere below; links to folders
            are not followed, and folders whose name begins with a dot are left out.

    Raises:
        UserError: A place is not there, or holds no finished run.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise UserError(f"{place}: expected run folders or result files, but it is not there")
        here = sorted(_below(place))
        if not here:
            raise UserError(f"{place}: no finished run, neither {FILE} nor *{KEPT} lies there")
        found |= dict.fromkeys(here)
    return list(found)


def _below(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, below, files in os.walk(place):
        below[:] = [name for name in below if not name.startswith(".")]
        for file in files:
            if file == FILE:
                yield Path(folder)
            elif file.endswith(KEPT):
                yield Path(folder, file)
