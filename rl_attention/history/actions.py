"""What was done, as a part of the next observation."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.errors import UserError

NONE = 0
"""Stands where nothing was done yet: in the first frame of an episode."""

_LARGEST_SHORT = int(np.iinfo(np.int16).max)


def action_space_of(space: spaces.Space[Any], n_frames: int) -> spaces.Box:
    """Describe the actions that led to some frames.

    Args:
        space: The actions of the environment.
        n_frames: `T`.

    Returns:
        For `n` discrete actions, `T` whole numbers from 0 (none) to `n`; for a Box, its numbers as
        rows, `T A`.

    Raises:
        UserError: Actions are neither, or Discrete ones do not begin at 0.
    """
    if isinstance(space, spaces.Discrete):
        if space.start != 0:
            raise UserError(
                f"HistoryVecEnv: expected Discrete actions from 0, got {space}: "
                "Stable-Baselines3 sends actions from 0, whatever start says"
            )
        count = int(space.n)
        dtype = np.int16 if count <= _LARGEST_SHORT else np.int32
        return spaces.Box(NONE, count, (n_frames,), dtype)
    if isinstance(space, spaces.Box):
        low, high = (np.asarray(part, np.float32).reshape(-1) for part in (space.low, space.high))
        rows = (n_frames, len(low))
        low, high = np.minimum(low, NONE), np.maximum(high, NONE)
        return spaces.Box(np.broadcast_to(low, rows), np.broadcast_to(high, rows), dtype=np.float32)
    raise UserError(
        f"HistoryVecEnv: expected Discrete or Box actions, got {space}: turn them into one of these"
    )


def encode_actions(actions: NDArray[Any], space: spaces.Space[Any]) -> NDArray[Any]:
    """Write actions as observations show them, `B` or `B A`.

    Args:
        actions: What is done, one action an environment.
        space: The actions of the environment.
    """
    given = np.asarray(actions)
    if isinstance(space, spaces.Discrete):
        return given.reshape(len(given)) + 1
    return np.array(given).reshape(len(given), -1)
