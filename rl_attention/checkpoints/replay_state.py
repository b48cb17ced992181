"""The filled part of a replay buffer as plain arrays."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import BaseBuffer, DictReplayBuffer, ReplayBuffer

from rl_attention.checkpoints.manifest import CheckpointError
from rl_attention.errors import UserError

_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
_POSITION = "position"


def check_buffer(buffer: BaseBuffer) -> None:
    """Refuse a buffer whose transitions need their neighbours.

    Args:
        buffer: A replay buffer.

    Raises:
        UserError: It is no plain replay buffer.
    """
    name = type(buffer).__name__
    if type(buffer) not in (ReplayBuffer, DictReplayBuffer):
        raise UserError(
            f"replay_buffer_class: {name} cannot be kept in a checkpoint, because its transitions "
            "need their neighbours; use ReplayBuffer or DictReplayBuffer, or train without"
        )
    if getattr(buffer, "optimize_memory_usage", False):
        raise UserError(
            f"optimize_memory_usage: {name} then keeps no next observations of its own, and a "
            "checkpoint cannot be taken between two; leave it out, or train without checkpoints"
        )


def write_buffer(buffer: ReplayBuffer, file: BinaryIO) -> None:
    """Write the rows that are filled.

    Args:
        buffer: A plain replay buffer.
        file: Gets an npz file, which is not compressed: the disk is faster.
    """
    size = buffer.buffer_size if buffer.full else buffer.pos
    arrays: dict[str, Any] = {name: array[:size] for name, array in _named(buffer)}
    arrays[_POSITION] = np.asarray([buffer.pos, int(buffer.full)], dtype=np.int64)
    np.savez(file, **arrays)


def restore_buffer(buffer: ReplayBuffer, arrays: dict[str, NDArray[Any]]) -> None:
    """Fill a buffer of the same build.

    Args:
        buffer: A plain replay buffer.
        arrays: What `write_buffer` wrote.

    Raises:
        CheckpointError: They are of another buffer.
    """
    own = dict(_named(buffer))
    if arrays.keys() != own.keys() | {_POSITION} or arrays[_POSITION].shape != (2,):
        raise CheckpointError("the checkpoint is of another replay buffer: other arrays")
    position, full = (int(number) for number in arrays[_POSITION])
    size = buffer.buffer_size if full else position
    for name, array in own.items():
        stored = arrays[name]
        if stored.shape != (size, *array.shape[1:]) or stored.dtype != array.dtype:
            raise CheckpointError(
                f"the checkpoint is of another replay buffer: {name} of {stored.shape}, expected "
                f"{(size, *array.shape[1:])}"
            )
        array[:size] = stored
    buffer.pos, buffer.full = position, bool(full)


def _named(buffer: ReplayBuffer) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in _ARRAYS:
        array: Any = getattr(buffer, name)
        if isinstance(array, dict):
            yield from ((f"{name}.{key}", part) for key, part in array.items())
        else:
            yield name, array
