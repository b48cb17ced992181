"""Finished runs, read from their folders and checked."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError

FILE = "results.json"
MAX_BYTES = 64 << 20


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
    data = _read_object(path)
    parameters = data.get("parameters")
    if not isinstance(parameters, Mapping):
        raise UserError(f"{path}: parameters: expected an object, got {parameters!r}")
    never = data.get("frames_to_90", 0) is None
    return RunResult(
        env=_text(data, "env", path),
        arm=_text(data, "arm", path),
        algo=_text(data, "algo", path),
        seed=_whole(data, "seed", path),
        n_timesteps=_whole(data, "n_timesteps", path),
        n_eval_episodes=_whole(data, "n_eval_episodes", path),
        success_rate=_number(data, "success_rate", path),
        mean_reward=_number(data, "mean_reward", path),
        frames_to_90=None if never else _whole(data, "frames_to_90", path),
        parameters=_whole(parameters, "policy", path),
        fps=_number(data, "fps", path),
        entity_overflow=_whole(data, "entity_overflow", path),
    )


def read_runs(folders: Iterable[Path]) -> list[RunResult]:
    """Read several runs.

    Args:
        folders: Run folders, each with `results.json`.

    Raises:
        UserError: One of them is not finished or damaged.
    """
    return [read_run(folder) for folder in folders]


def _read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: expected at most {MAX_BYTES} bytes, got more")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.parent}: not finished, there is no {FILE}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: expected JSON, got something else or half a file") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def _text(data: Mapping[str, Any], key: str, path: Path) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise UserError(f"{path}: {key}: expected text, got {value!r}")
    return value


def _number(data: Mapping[str, Any], key: str, path: Path) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{path}: {key}: expected a finite number, got {value!r}")
    return float(value)


def _whole(data: Mapping[str, Any], key: str, path: Path) -> int:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{path}: {key}: expected a whole number, got {value!r}")
    return value
