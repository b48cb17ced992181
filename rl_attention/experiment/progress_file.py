"""How far a run is, read from its folder while it goes on."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Args:
        frames: Frames trained.
        total: Frames asked for.
        fps: Frames a second.
        success_rate: Of the last finished episodes; None before the first.
    """

    frames: int
    total: int
    fps: float
    success_rate: float | None


def read_progress(path: Path) -> Progress | None:
    """Read a run's progress, or return None where there is none yet.

    Args:
        path: Its `progress.json`.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Progress(data["step"], data["total"], data["fps"], data["success_rate"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
