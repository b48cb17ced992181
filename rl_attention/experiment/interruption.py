"""Ctrl-C in the middle of a run."""

from pathlib import Path


class RunInterrupted(KeyboardInterrupt):
    """A run was stopped by hand; the message says what is kept and where.

    Args:
        folder: The run folder.
        frames: Frames trained.
        total: Frames asked for.
    """

    def __init__(self, folder: Path, frames: int, total: int) -> None:
        super().__init__(
            f"Interrupted at {frames:,} of {total:,} frames; curves, attention snapshots and the "
            f"network so far (interrupted.safetensors) are kept in {folder}"
        )
