"""Ctrl-C in the middle of a run."""

from pathlib import Path


class RunInterrupted(KeyboardInterrupt):
    """A run was stopped by hand; the message says what is kept and where.

    Args:
        folder: The run folder.
        frames: Frames trained.
        total: Frames asked for.
        saved: Frames of the last checkpoint.
    """

    def __init__(self, folder: Path, frames: int, total: int, saved: int) -> None:
        super().__init__(
            f"Interrupted at {frames:,} of {total:,} frames; the same command goes on from frame "
            f"{saved:,}. Curves, attention snapshots and the network so far "
            f"(interrupted.safetensors) are kept in {folder}"
        )
