"""The observations that show a history: which keys they have, and with what bounds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.history.actions import action_space_of

FRAMES, MASK, STEPS = "frames", "frames_mask", "frames_steps"
ACTIONS, REWARDS = "frames_actions", "frames_rewards"
KEYS = (FRAMES, MASK, STEPS, ACTIONS, REWARDS)
"""The keys that show the history; `T` steps each, oldest first."""


@dataclass(frozen=True)
class Source:
    """Where the entities are in an observation without history.

    Attributes:
        key: The key of the set.
        mask_key: The key that says which rows are real; None: all are.
        space: The set, `N F`.
        others: Every other key, which is passed on as it is.
    """

    key: str
    mask_key: str | None
    space: spaces.Box
    others: dict[str, spaces.Space[NDArray[np.generic]]]


def find_source(
    space: spaces.Space[Any],
    key: str,
    mask_key: str | None,
) -> Source:
    """Find the set whose past is to be shown.

    Args:
        space: The observations of the environments.
        key: The key of the set.
        mask_key: Its mask; None: `<key>_mask` or `mask`, if one is there.

    Raises:
        UserError: There is no such set or mask, or a key has a name that is needed here.
    """
    found = space.spaces.get(key) if isinstance(space, spaces.Dict) else None
    if not isinstance(space, spaces.Dict) or found is None:
        has = (
            f"the keys {', '.join(space.spaces)}"
            if isinstance(space, spaces.Dict)
            else _line(space)
        )
        raise UserError(
            f"HistoryVecEnv: expected observations with a set of entities {key!r}, got {has}: name "
            "the key of the set by key="
        )
    if not isinstance(found, spaces.Box) or len(found.shape) != 2 or 0 in found.shape:
        raise UserError(
            f"HistoryVecEnv: expected {key!r} to be a Box of entities, rows and columns, got "
            f"{_line(found)}: reshape it"
        )
    mask_key = _find_mask(space, key, mask_key, n_rows=found.shape[0])
    others = {name: part for name, part in space.spaces.items() if name not in (key, mask_key)}
    taken = [name for name in KEYS if name in others]
    if taken:
        raise UserError(
            f"HistoryVecEnv: the observation has a key {taken[0]!r} already, which is to hold the "
            "history: give it another name"
        )
    return Source(key, mask_key, found, others)


def _find_mask(space: spaces.Dict, key: str, given: str | None, *, n_rows: int) -> str | None:
    names = (f"{key}_mask", "mask") if given is None else (given,)
    name = next((name for name in names if name in space.spaces), None)
    if name is None:
        if given is None:
            return None
        raise UserError(
            f"mask_key: expected one of the keys {', '.join(space.spaces)}, got {given!r}"
        )
    mask = space.spaces[name]
    flags = isinstance(mask, spaces.Box | spaces.MultiBinary)
    if not flags or np.prod(mask.shape or (1,)) != n_rows:
        raise UserError(
            f"HistoryVecEnv: expected {name!r} to hold a flag for each of the {n_rows} rows of "
            f"{key!r}, got {_line(mask)}: name the mask by mask_key="
        )
    return name


def history_space(
    source: Source,
    actions: spaces.Space[Any],
    n_frames: int,
) -> spaces.Dict:
    """Describe observations with a history.

    Args:
        source: Where the entities are.
        actions: The actions of the environments.
        n_frames: `T`.

    Raises:
        UserError: Actions are of a kind that cannot be shown.
    """
    n_rows = source.space.shape[0]
    parts = {
        FRAMES: _frames_box(source.space, n_frames),
        MASK: spaces.MultiBinary([n_frames, n_rows]),
        STEPS: spaces.MultiBinary([n_frames]),
        ACTIONS: action_space_of(actions, n_frames),
        REWARDS: spaces.Box(-np.inf, np.inf, (n_frames,), np.float32),
    }
    return spaces.Dict({**source.others, **parts})


def _frames_box(space: spaces.Box, n_frames: int) -> spaces.Box:
    shape = (n_frames, *space.shape)
    low, high = (np.broadcast_to(bounds, shape) for bounds in (space.low, space.high))
    # three axes of bytes up to 255 would be an image to Stable-Baselines3, and divided by 255
    bytes_like_an_image = space.dtype == np.uint8 and space.high.max() == 255
    dtype = np.int16 if bytes_like_an_image else space.dtype
    return spaces.Box(low.astype(dtype), high.astype(dtype), dtype=dtype)


def nothing_of(space: spaces.Space[Any]) -> NDArray[Any]:
    """Give what stands where there was no step: zeros, or what comes nearest to them.

    Args:
        space: One of the spaces of a history, `T ...`.
    """
    nothing = np.zeros(space.shape or (), space.dtype)
    if isinstance(space, spaces.Box):
        nothing = np.clip(nothing, space.low, space.high).astype(space.dtype)
    return nothing


def _line(space: spaces.Space[Any]) -> str:
    """Show a space in one line."""
    return " ".join(str(space).split())
