"""Checkpoints of a run: whole or absent, and read without unpickling anything."""

from rl_attention.checkpoints.manifest import CheckpointError, CheckpointWarning
from rl_attention.checkpoints.reading import Checkpoint
from rl_attention.checkpoints.store import CheckpointStore

__all__ = ["Checkpoint", "CheckpointError", "CheckpointStore", "CheckpointWarning"]
