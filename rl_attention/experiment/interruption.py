"""Ctrl-C in the middle of a run."""

from pathlib import Path


class RunInterrupted(KeyboardInterrupt):
    """A run was stopped by hand; the message says what is kept and where.

    Args:
        folder: The run folder.
        frames: Frames trained, or labels.
        total: How many were asked for.
        saved: Frames of the last checkpoint; None: labels, of which there are no checkpoints.
    """

    def __init__(self, folder: Path, frames: int, total: int, saved: int | None) -> None:
        what = "labels" if saved is None else "frames"
        then = "begins anew" if saved is None else f"goes on from frame {saved:,}"
        super().__init__(
            f"Interrupted at {frames:,} of {total:,} {what}; the same command {then}. Curves, "
            "attention snapshots and the network so far (interrupted.safetensors) are kept in "
            f"{folder}"
        )
