"""Keys that are not read, and those that cannot be left out by themselves."""

from typing import Any

import numpy as np
from gymnasium import spaces

from rl_attention.errors import UserError
from rl_attention.tokenizers.options import TokenOptions


def find_ignored(
    space: spaces.Space[Any],
    options: TokenOptions,
) -> frozenset[str]:
    """List the keys that are not to be read, masks included.

    Args:
        space: The whole observation.
        options: How it is read.

    Raises:
        UserError: There is no such key.
    """
    known = list(space.spaces) if isinstance(space, spaces.Dict) else []
    missing = [key for key in options.ignored_keys if key not in known]
    if missing:
        has = f"keys of the observation, {', '.join(known)}" if known else "none, without a Dict"
        raise UserError(f"ignored_keys: expected {has}, got {missing[0]!r}")
    masks = (f"{key}_mask" for key in options.ignored_keys)
    return frozenset({*options.ignored_keys, *(mask for mask in masks if mask in known)})


def check_mask_is_read(
    space: spaces.Dict, of: str, names: tuple[str, ...], *, count: int, options: TokenOptions
) -> None:
    """Refuse to read a set without its mask: padding would be as real as the rest.

    Args:
        space: The whole observation.
        of: The key of a set, or of what else has a mask, that is read.
        names: What its mask may be called.
        count: Numbers that such a mask has.
        options: How the observation is read.

    Raises:
        UserError: One of the ignored keys is such a mask.
    """
    for name in names:
        if name in options.ignored_keys and np.prod(space[name].shape or (0,)) == count:
            raise UserError(
                f"ignored_keys: expected keys that can be left out, got {name!r}, without which "
                f"what is no part of {of!r} would be read as if it were: leave it out of "
                f"ignored_keys, or ignore {of!r} as well; what is no mask needs another name"
            )
