"""Batches of observations from whoever has some, checked against what the policy takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError


def checked_batch(observations: Any, space: Any) -> Any:
    """Copy a batch, so that nobody can change the caller's, and check it against a space.

    Args:
        observations: An array, or a mapping of arrays.
        space: The observation space of the policy.

    Raises:
        UserError: If a key is missing or unknown, or shapes do not fit.
    """
    parts = getattr(space, "spaces", {})
    if not isinstance(observations, Mapping):
        if parts:
            raise UserError(f"observations must be a dict with keys {sorted(parts)}, got an array")
        return _checked_array("observations", observations, space)
    if not parts:
        keys = sorted(map(str, observations))
        raise UserError(f"observations must be an array, got keys {keys}, of which none is known")
    missing = sorted(set(parts) - set(observations))
    if missing:
        raise UserError(f"observations lack {missing}, which the policy needs; give every key")
    strange = sorted(set(observations) - set(parts))
    if strange:
        raise UserError(f"observations hold {strange}, which the policy does not know; drop them")
    return {key: _checked_array(key, observations[key], parts[key]) for key in observations}


def _checked_array(key: str, value: Any, space: Any) -> NDArray[Any]:
    array = np.array(value)
    shape = tuple(space.shape or ())
    # an image may come channels last where the policy has them first: the policy turns it
    same = array.shape[1:] == shape or (
        len(shape) == 3 and sorted(array.shape[1:]) == sorted(shape)
    )
    if not same or not array.ndim or not len(array):
        raise UserError(
            f"'{key}' must be a batch of shape (B, {', '.join(map(str, shape))}) with B > 0, "
            f"got {array.shape}"
        )
    return array
