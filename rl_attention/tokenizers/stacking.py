"""Observations that `VecFrameStack` of Stable-Baselines3 has stacked.

It puts the frames side by side on the last axis, newest last, the columns of entities and the flags
of masks alike, but declares bounds in another order: each column's bounds as often as there are
frames. Images have one pair of bounds, so that nothing is wrong with theirs.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from torch import Tensor

from rl_attention.errors import UserError


def unstack(space: spaces.Space[Any], n_stack: int) -> spaces.Space[Any]:
    """Describe a stacked space as it is read.

    Sets keep all frames, with the bounds that their columns really have; words and masks count for
    the newest frame alone.

    Args:
        space: What `VecFrameStack` declares.
        n_stack: How many frames it stacks; 1: the space is as it says.

    Raises:
        UserError: A key is not as long as so many frames.
    """
    if n_stack == 1:
        return space
    if isinstance(space, spaces.Dict):
        return spaces.Dict(
            {key: _unstack_box(part, n_stack, key) for key, part in space.spaces.items()}
        )
    return _unstack_box(space, n_stack, "observation")


def newest(values: Tensor, n_stack: int) -> Tensor:
    """Keep the newest frame of `B ... n_stack*W`."""
    return values if n_stack == 1 else values[..., -(values.shape[-1] // n_stack) :]


def is_of_newest(key: str) -> bool:
    """Tell whether a key counts for the newest frame alone."""
    return key in ("mask", "mission") or key.endswith("_mask")


def _unstack_box(space: spaces.Space[Any], n_stack: int, key: str) -> spaces.Space[Any]:
    if not isinstance(space, spaces.Box) or not space.shape:
        return space
    image = len(space.shape) == 3 and space.dtype == np.uint8 and space.high.max() == 255
    if image:
        return space
    if space.shape[-1] % n_stack:
        raise UserError(
            f"n_stack: observation key {key!r} of shape {space.shape} does not hold {n_stack} "
            "frames side by side: give the number that VecFrameStack has"
        )
    frames = 1 if is_of_newest(key) else n_stack
    low, high = (_columns(bounds, n_stack, frames) for bounds in (space.low, space.high))
    # before the first step of an episode the older frames are zeros
    low, high = (low, high) if frames == 1 else (np.minimum(low, 0), np.maximum(high, 0))
    return spaces.Box(low, high, dtype=space.dtype)


def _columns(bounds: np.ndarray, n_stack: int, frames: int) -> np.ndarray:
    one = bounds[..., ::n_stack]  # of each column once
    return np.tile(one, (*(1 for _ in one.shape[:-1]), frames))
