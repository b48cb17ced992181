"""Reading an observation space: which key holds the set, which the words, which the rest."""

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from gymnasium import spaces

from rl_attention.errors import UserError

SET_KEYS = ("entities", "cells", "pixels", "history")
"""Keys that hold the set of tokens; a space has exactly one of them."""

MASK_KEY = "mask"
WORDS_KEY = "mission"
WORDS_MASK_KEY = "mission_mask"

MAX_GLOBAL_SIZE = 4096
"""A key that is no set and no words may have this many numbers."""


@dataclass(frozen=True)
class Schema:
    """The parts of an observation space.

    Attributes:
        kind: `entities`, `cells`, `pixels` or `history`.
        set_space: The Box that holds the set.
        has_mask: Whether key `mask` says which tokens are real.
        words_space: The integer Box of word ids, or None; a `mission` of any other kind is one of
            the other keys.
        global_spaces: Every other key.
    """

    kind: str
    set_space: spaces.Box
    has_mask: bool
    words_space: spaces.Box | None
    global_spaces: dict[str, spaces.Space[np.ndarray]]


def read_schema(space: spaces.Space) -> Schema:  # type: ignore[type-arg]
    """Find the set, the words and the rest in a space.

    Args:
        space: A `Dict` with key `entities` (`N F`), `cells` (`H W C` symbols), `pixels` (an
            image) or `history` (`T F`, oldest first), or one of the first three as a Box alone.

    Raises:
        UserError: No set is there, or a key has a shape that no token can be made of.
    """
    if isinstance(space, spaces.Box):
        return Schema(_kind_of_box(space), space, False, None, {})
    if not isinstance(space, spaces.Dict):
        raise UserError(
            f"attention needs a Dict or Box observation space, got {type(space).__name__}: wrap "
            "the environment so that it emits entities"
        )
    present = [key for key in SET_KEYS if key in space.spaces]
    if len(present) != 1:
        raise UserError(
            f"expected exactly one of the observation keys {', '.join(SET_KEYS)}, got the keys "
            f"{', '.join(space.spaces)}: name the key of the entities `entities`"
        )
    return _read_dict(space, present[0])


def _read_dict(space: spaces.Dict, kind: str) -> Schema:
    set_space = space.spaces[kind]
    axes = 2 if kind in ("entities", "history") else 3
    if not isinstance(set_space, spaces.Box) or len(set_space.shape) != axes:
        raise UserError(
            f"observation key {kind!r} must be a Box with {axes} axes, got {set_space}: reshape it"
        )
    has_mask = MASK_KEY in space.spaces
    n_tokens = int(np.prod(set_space.shape[: axes - 1]))
    if has_mask and kind == "pixels":
        raise UserError(
            f"observation key {MASK_KEY!r} means nothing beside 'pixels', whose patches are all "
            "real: drop it, or give it another name"
        )
    if has_mask:
        _check_mask(space, MASK_KEY, of=kind, count=n_tokens)
    words = space.spaces.get(WORDS_KEY)
    words_space = words if _holds_words(words) else None
    if words_space is not None and WORDS_MASK_KEY in space.spaces:
        _check_mask(space, WORDS_MASK_KEY, of=WORDS_KEY, count=words_space.shape[0])
    used = {kind, MASK_KEY} | ({WORDS_KEY, WORDS_MASK_KEY} if words_space is not None else set())
    rest = {key: value for key, value in space.spaces.items() if key not in used}
    for key, value in rest.items():
        if _size(value) > MAX_GLOBAL_SIZE:
            raise UserError(
                f"observation key {key!r} has {_size(value)} numbers, more than the "
                f"{MAX_GLOBAL_SIZE} that one token can take: make it the set, or drop it"
            )
    return Schema(kind, set_space, has_mask, words_space, rest)


def _holds_words(space: object) -> TypeGuard[spaces.Box]:
    return (
        isinstance(space, spaces.Box)
        and len(space.shape) == 1
        and np.issubdtype(space.dtype, np.integer)
    )


def _check_mask(space: spaces.Dict, key: str, *, of: str, count: int) -> None:
    mask = space.spaces[key]
    flags = isinstance(mask, (spaces.Box, spaces.MultiBinary))
    if not flags or _size(mask) != count:
        raise UserError(
            f"observation key {key!r} must be a MultiBinary or a Box with one number for each of "
            f"the {count} tokens of {of!r}, got {mask}: 1 is a real token, 0 is padding"
        )


def _kind_of_box(space: spaces.Box) -> str:
    if len(space.shape) == 2:
        return "entities"
    if len(space.shape) == 3:
        image = space.dtype == np.uint8 and space.high.max() == 255
        return "pixels" if image else "cells"
    raise UserError(
        f"attention needs a set: a Box of shape (entities, features) or an image, got shape "
        f"{space.shape}"
    )


def _size(space: spaces.Space) -> int:  # type: ignore[type-arg]
    """Count the numbers that Stable-Baselines3 makes of a space (one-hot where discrete)."""
    flat = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    if not isinstance(space, flat):
        raise UserError(
            f"no vector can be made of the space {space}: encode it as a Box, or drop it"
        )
    return spaces.flatdim(space)
