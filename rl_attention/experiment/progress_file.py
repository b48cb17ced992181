"""How far a run is, read from its folder while it goes on."""

from dataclasses import dataclass
from pathlib import Path

from rl_attention.errors import UserError
from rl_attention.files import read_json
from rl_attention.json_fields import Fields


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
        told = Fields(read_json(path), path)
        success_rate = None if told.is_null("success_rate") else told.share("success_rate")
        return Progress(told.whole("step"), told.whole("total"), told.number("fps"), success_rate)
    except UserError:
        return None
