"""The keys of an observation; a space that is no `Dict` has one, `observation`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.tokenizers.schema import MASK_KEY, SET_KEYS

WHOLE = "observation"
"""Stands for the one key of an observation that is no `Dict`."""

Space = spaces.Space[Any]
Observations = Mapping[str, NDArray[Any]]
"""From a key to the values of several observations, one a row."""

_NUMERIC = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
_NOT_OF_TOKENS = ("action_mask", "action_masks")


def parts_of(space: Space) -> dict[str, Space]:
    """List the parts of a space that hold numbers.

    Args:
        space: Any space.
    """
    parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {WHOLE: space}
    return {key: part for key, part in parts.items() if isinstance(part, _NUMERIC)}


def is_integer(space: Space) -> bool:
    """Tell whether a space is a Box of whole numbers."""
    return isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.integer)


def is_mask(key: str, space: Space) -> bool:
    """Tell by its name whether a key says which tokens are real.

    Args:
        key: The key.
        space: Its space.
    """
    if key in _NOT_OF_TOKENS or not isinstance(space, spaces.Box | spaces.MultiBinary):
        return False
    return key == MASK_KEY or key.endswith("_mask")


def masked_key(key: str, space: Space) -> str | None:
    """Find the key whose tokens a mask is about.

    Args:
        key: The key of the mask.
        space: The whole space.
    """
    names = SET_KEYS if key == MASK_KEY else (key.removesuffix("_mask"),)
    return next((name for name in names if name in parts_of(space)), None)
