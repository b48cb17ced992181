"""Reading an observation space: which keys hold sets, which the words, which the rest."""

from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
from gymnasium import spaces

from rl_attention.errors import UserError
from rl_attention.tokenizers.companions import NO_COMPANIONS, Companions, read_companions
from rl_attention.tokenizers.ignored import check_mask_is_read, find_ignored
from rl_attention.tokenizers.options import KINDS, TokenOptions
from rl_attention.tokenizers.stacking import is_image_like, unstack

SET_KEYS = KINDS
"""Keys that hold the set of tokens; where none is named, a space has exactly one of them."""

MASK_KEY = "mask"
WORDS_KEY = "mission"
WORDS_MASK_KEY = "mission_mask"
WHOLE = "observation"
"""What a set is called that is no key, but the observation itself."""
MIXED = "mixed"
"""The kind of several sets that are read as one."""

MAX_GLOBAL_SIZE = 4096
"""A key that is no set and no words may have this many numbers."""

MAX_CELLS = 1024
"""A grid of more cells is not taken for one unless its key or an option says so."""

_AXES = {"entities": 2, "history": 2, "cells": 3, "pixels": 3, "frames": 3}


@dataclass(frozen=True)
class SetSpec:
    """One set of an observation.

    Attributes:
        key: Its key; None where the space is a Box alone.
        kind: `entities`, `cells`, `pixels`, `history` or `frames`.
        space: The Box that holds it.
        mask_key: The key that says which tokens are real; None: no key does.
        companions: Of `frames`, the keys that tell of the steps.
    """

    key: str | None
    kind: str
    space: spaces.Box
    mask_key: str | None = None
    companions: Companions = NO_COMPANIONS

    @property
    def name(self) -> str:
        """What it is called in options and messages."""
        return WHOLE if self.key is None else self.key

    @property
    def n_tokens(self) -> int:
        """How many rows or cells it has; of an image, pixels; of past frames, rows of all steps."""
        return int(np.prod(self.space.shape[: _AXES[self.kind] - 1]))


@dataclass(frozen=True)
class Schema:
    """The parts of an observation space.

    Attributes:
        sets: The sets of tokens, one or more.
        words_space: The integer Box of word ids, or None; a `mission` of any other kind is one of
            the other keys.
        global_spaces: Every other key.
        ignored: Keys that are not read.
    """

    sets: tuple[SetSpec, ...]
    words_space: spaces.Box | None
    global_spaces: dict[str, spaces.Space[np.ndarray]]
    ignored: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The kind of the only set, or `mixed`."""
        return self.sets[0].kind if len(self.sets) == 1 else MIXED


def read_schema(
    space: spaces.Space,  # type: ignore[type-arg]
    options: TokenOptions | None = None,
) -> Schema:
    """Find the sets, the words and the rest in a space.

    Args:
        space: A `Dict` with key `entities` (`N F`), `cells` (`H W C` symbols), `pixels` (an
            image), `history` (`T F`, oldest first) or `frames` (`T N F`, oldest first), or with the
            keys that the options name; or one of these as a Box alone.
        options: Which keys hold sets, and how they are read; None: the defaults.

    Raises:
        UserError: No set is there, or a key has a shape that no token can be made of.
    """
    options = TokenOptions() if options is None else options
    whole, ignored = space, find_ignored(space, options)
    if ignored and isinstance(space, spaces.Dict):
        space = spaces.Dict({key: part for key, part in space.items() if key not in ignored})
    space = unstack(space, options.n_stack, _keys_of_sets(space, options))
    if isinstance(space, spaces.Box):
        schema = Schema((_read_box(space, options),), None, {})
    elif isinstance(space, spaces.Dict):
        schema = replace(_read_dict(space, options), ignored=ignored)
    else:
        raise UserError(
            f"attention needs a Dict or Box observation space, got {type(space).__name__}: wrap "
            "the environment so that it emits entities"
        )
    _check_sets(schema, options)
    if isinstance(whole, spaces.Dict):
        _check_ignored(whole, schema, options)
    return schema


def _keys_of_sets(
    space: spaces.Space,  # type: ignore[type-arg]
    options: TokenOptions,
) -> tuple[str, ...]:
    return _set_keys(space, options) if isinstance(space, spaces.Dict) else ()


def _check_sets(schema: Schema, options: TokenOptions) -> None:
    options.check_keys([found.name for found in schema.sets])
    for found in schema.sets:
        if found.kind == "pixels":
            options.check_no_columns(found.name, alone=len(schema.sets) == 1)
        if found.kind == "frames" and options.n_stack > 1:
            raise UserError(
                f"n_stack: expected 1 with past frames in {found.name!r}, got {options.n_stack}: "
                "take HistoryVecEnv or VecFrameStack, not both"
            )
        if 0 in found.space.shape:
            raise UserError(
                f"{found.name!r} of shape {found.space.shape} can hold no token: expected at least "
                "one row and one column"
            )


def _check_ignored(whole: spaces.Dict, schema: Schema, options: TokenOptions) -> None:
    """Refuse sets whose padding, or frames whose missing steps, could not be told any more."""
    for found in schema.sets:
        masked = found.mask_key is not None or options.presence_of(found.name) is not None
        if not masked and found.kind != "pixels":
            names = (f"{found.name}_mask", *((MASK_KEY,) if len(schema.sets) == 1 else ()))
            check_mask_is_read(whole, found.name, names, count=found.n_tokens, options=options)
        if found.kind == "frames" and (options.frames != "entities" or found.companions.keys):
            n_steps, names = found.space.shape[0], (f"{found.name}_steps",)
            check_mask_is_read(whole, found.name, names, count=n_steps, options=options)


def _read_dict(space: spaces.Dict, options: TokenOptions) -> Schema:
    sets = tuple(_read_set(space, key, options) for key in _set_keys(space, options))
    maskless = [found for found in sets if found.mask_key is None and found.kind != "pixels"]
    if len(sets) > 1 and MASK_KEY in space.spaces and maskless:
        raise UserError(
            f"observation key {MASK_KEY!r} does not say which of the sets "
            f"{', '.join(found.name for found in sets)} it is of: name it {maskless[0].name}_mask"
        )
    masks = {found.mask_key for found in sets}
    words = space.spaces.get(WORDS_KEY)
    words_space = words if _holds_words(words) and WORDS_KEY not in _keys(sets) else None
    if words_space is not None and WORDS_MASK_KEY in space.spaces:
        _check_mask(space, WORDS_MASK_KEY, of=WORDS_KEY, count=words_space.shape[0])
    used = _keys(sets) | masks | {key for found in sets for key in found.companions.keys}
    used |= {WORDS_KEY, WORDS_MASK_KEY} if words_space is not None else set()
    rest = {key: value for key, value in space.spaces.items() if key not in used}
    for key, value in rest.items():
        if _size(value) > MAX_GLOBAL_SIZE:
            raise UserError(
                f"observation key {key!r} has {_size(value)} numbers, more than the "
                f"{MAX_GLOBAL_SIZE} that one token can take: make it a set by entity_keys, or "
                "drop it"
            )
    return Schema(sets, words_space, rest)


def _keys(sets: tuple[SetSpec, ...]) -> set[str | None]:
    return {found.key for found in sets}


def _set_keys(space: spaces.Dict, options: TokenOptions) -> tuple[str, ...]:
    """Name the keys that hold sets."""
    if options.entity_keys is not None:
        missing = [key for key in options.entity_keys if key not in space.spaces]
        if missing:
            raise UserError(
                f"entity_keys: expected keys of the observation, {', '.join(space.spaces)}, got "
                f"{missing[0]!r}"
            )
        return tuple(options.entity_keys)
    present = [key for key in SET_KEYS if key in space.spaces]
    if len(present) != 1:
        raise UserError(
            f"expected exactly one of the observation keys {', '.join(SET_KEYS)}, got the keys "
            f"{', '.join(space.spaces)}: name the key of the entities `entities`, or say which "
            f"keys hold them by entity_keys, as entity_keys={_suggest(space)!r}"
        )
    return (present[0],)


def _suggest(space: spaces.Dict) -> list[str]:
    matrices = [key for key, part in space.spaces.items() if len(part.shape or ()) in (2, 3)]
    return matrices or [next(iter(space.spaces), "allies")]


def _read_set(space: spaces.Dict, key: str, options: TokenOptions) -> SetSpec:
    part = space.spaces[key]
    kind = options.kind_of(key) or _guess_kind(key, part)
    if not isinstance(part, spaces.Box) or len(part.shape) != _AXES[kind]:
        raise UserError(
            f"observation key {key!r} must be a Box with {_AXES[kind]} axes, got {part}: reshape it"
        )
    found = SetSpec(key, kind, part)
    if kind == "frames":
        found = _with_companions(space, found)
    alone = options.entity_keys is None or len(options.entity_keys) == 1
    names = (f"{key}_mask", MASK_KEY) if alone else (f"{key}_mask",)
    mask_key = next((name for name in names if name in space.spaces), None)
    if mask_key is None:
        return found
    if kind == "pixels":
        raise UserError(
            f"observation key {mask_key!r} means nothing beside {key!r}, whose patches are all "
            "real: drop it, or give it another name"
        )
    if options.presence_of(key) is not None:
        where = "give it to HistoryVecEnv instead" if kind == "frames" else "leave the option out"
        raise UserError(f"presence_column: {key!r} has a mask already, key {mask_key!r}: {where}")
    _check_mask(space, mask_key, of=key, count=found.n_tokens)
    return replace(found, mask_key=mask_key)


def _with_companions(space: spaces.Dict, found: SetSpec) -> SetSpec:
    n_steps = found.space.shape[0]
    companions = read_companions(space, found.name, n_steps)
    if companions.steps is not None:
        _check_mask(space, companions.steps, of=found.name, count=n_steps)
    return replace(found, companions=companions)


def _guess_kind(key: str, part: object) -> str:
    if key in KINDS:
        return key
    if not isinstance(part, spaces.Box) or len(part.shape) not in (2, 3):
        raise UserError(
            f"entity_keys: expected keys that hold a Box with 2 axes (entities) or 3 (an image, or "
            f"cells), got {key!r}, which is {part}: leave it out, or reshape it"
        )
    return _kind_of_box(part)


def _holds_words(space: object) -> TypeGuard[spaces.Box]:
    return (
        isinstance(space, spaces.Box)
        and len(space.shape) == 1
        and space.shape[0] > 0
        and np.issubdtype(space.dtype, np.integer)
    )


def _check_mask(space: spaces.Dict, key: str, *, of: str, count: int) -> None:
    mask = space.spaces[key]
    flags = isinstance(mask, (spaces.Box, spaces.MultiBinary))
    if not flags or _size(mask) != count:
        times, rest = divmod(_size(mask), count) if flags else (0, 1)
        stacked = f"; of {times} frames stacked by VecFrameStack, set n_stack={times}"
        raise UserError(
            f"observation key {key!r} must be a MultiBinary or a Box with one number for each of "
            f"the {count} tokens of {of!r}, got {mask}: 1 is a real token, 0 is padding"
            f"{stacked if times > 1 and not rest else ''}"
        )


def _read_box(space: spaces.Box, options: TokenOptions) -> SetSpec:
    kind = options.kind_of(WHOLE)
    if kind is None:
        kind = _kind_of_box(space)
    elif len(space.shape) != _AXES[kind]:
        raise UserError(
            f"kind: {kind!r} needs a Box with {_AXES[kind]} axes, got shape {space.shape}: choose "
            "another kind"
        )
    if options.entity_keys is not None:
        raise UserError(
            f"entity_keys: the observation is a Box of shape {space.shape} and has no keys, got "
            f"{list(options.entity_keys)}: leave it out"
        )
    return SetSpec(None, kind, space)


def _kind_of_box(space: spaces.Box) -> str:
    if len(space.shape) == 2:
        return "entities"
    if len(space.shape) == 3:
        if is_image_like(space):
            return "pixels"
        whole = np.issubdtype(space.dtype, np.integer)
        if whole and np.prod(space.shape[:2]) <= MAX_CELLS:
            return "cells"
        raise UserError(
            f"cannot tell what a Box of shape {space.shape} and type {space.dtype} is: an image "
            "(kind='pixels') or a grid with a token a cell (kind='cells')? Matrices of entities "
            "are stacked by VecFrameStack, with n_stack"
        )
    raise UserError(
        f"attention needs a set: a Box of shape (entities, features) or an image, got shape "
        f"{space.shape}; stack past frames by gymnasium's FrameStackObservation and set "
        "kind='history' to attend over time"
    )


def _size(space: spaces.Space) -> int:  # type: ignore[type-arg]
    """Count the numbers that Stable-Baselines3 makes of a space (one-hot where discrete)."""
    flat = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    if not isinstance(space, flat):
        raise UserError(
            f"no vector can be made of the space {space}: encode it as a Box, or drop it"
        )
    return spaces.flatdim(space)
