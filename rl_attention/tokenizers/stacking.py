"""Observations that `VecFrameStack` of Stable-Baselines3 has stacked.

It puts the frames side by side on the last axis, newest last, the columns of entities and the flags
of masks alike, but declares bounds in another order: each column's bounds as often as there are
frames. Images have one pair of bounds, so that nothing is wrong with theirs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from torch import Tensor

from rl_attention.errors import UserError


def unstack(space: spaces.Space[Any], n_stack: int, sets: Sequence[str] = ()) -> spaces.Space[Any]:
    """Describe a stacked space as it is read.

    Sets keep all frames, with the bounds that their columns really have; words and masks count for
    the newest frame alone.

    Args:
        space: What `VecFrameStack` declares.
        n_stack: How many frames it stacks; 1: the space is as it says.
        sets: Keys that hold sets.

    Raises:
        UserError: A key is not as long as so many frames, or its bounds are not those of so many.
    """
    if n_stack == 1:
        return space
    if isinstance(space, spaces.Dict):
        return spaces.Dict(
            {
                key: _unstack_box(
                    part, n_stack, key, frames=1 if is_of_newest(key, sets) else n_stack
                )
                for key, part in space.spaces.items()
            }
        )
    return _unstack_box(space, n_stack, "observation", frames=n_stack)


def newest(values: Tensor, n_stack: int) -> Tensor:
    """Keep the newest frame of `B ... n_stack*W`."""
    return values if n_stack == 1 else values[..., -(values.shape[-1] // n_stack) :]


def is_of_newest(key: str, sets: Sequence[str]) -> bool:
    """Tell whether a key counts for the newest frame alone: masks and words that are no set."""
    return key not in sets and (key in ("mask", "mission") or key.endswith("_mask"))


def is_image_like(space: spaces.Box) -> bool:
    """Tell whether Stable-Baselines3 takes a Box for an image, and scales it to 0..1."""
    bytes_of_three = len(space.shape) == 3 and space.dtype == np.uint8 and space.high.size > 0
    return bytes_of_three and int(space.high.max()) == 255


def _unstack_box(
    space: spaces.Space[Any], n_stack: int, key: str, *, frames: int
) -> spaces.Space[Any]:
    if not isinstance(space, spaces.Box) or not space.shape:
        return space
    if is_image_like(space):
        return space
    if space.shape[-1] % n_stack or not _repeats(space, n_stack):
        raise UserError(
            f"n_stack: observation key {key!r} of shape {space.shape} does not hold {n_stack} "
            "frames side by side on its last axis: give the number that VecFrameStack has"
        )
    low, high = (_columns(bounds, n_stack, frames) for bounds in (space.low, space.high))
    # before the first step of an episode the older frames are zeros
    low, high = (low, high) if frames == 1 else (np.minimum(low, 0), np.maximum(high, 0))
    return spaces.Box(low, high, dtype=space.dtype)


def _repeats(space: spaces.Box, n_stack: int) -> bool:
    """Tell whether each bound stands there once for every frame, as VecFrameStack declares it."""
    return all(
        np.array_equal(bounds, np.repeat(bounds[..., ::n_stack], n_stack, axis=-1))
        for bounds in (space.low, space.high)
    )


def _columns(bounds: np.ndarray, n_stack: int, frames: int) -> np.ndarray:
    one = bounds[..., ::n_stack]  # of each column once
    return np.tile(one, (*(1 for _ in one.shape[:-1]), frames))
