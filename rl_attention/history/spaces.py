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

_FLAG = 0.5
"""A flag above is set."""


@dataclass(frozen=True)
class Source:
    """Where the entities are in an observation without history.

    Attributes:
        key: The key of the set; None: the observation is the set.
        mask_key: The key that says which rows are real.
        presence_column: The column that says so; None of both: all are.
        space: The set, `N F`.
        others: Every other key, which is passed on as it is.
    """

    key: str | None
    mask_key: str | None
    presence_column: int | None
    space: spaces.Box
    others: dict[str, spaces.Space[NDArray[np.generic]]]

    def rows(self, observations: Any) -> NDArray[Any]:
        """Take the set out of observations, `... N F`."""
        return np.asarray(observations if self.key is None else observations[self.key])

    def real(self, observations: Any, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which of these rows are real, `... N`."""
        if self.presence_column is not None:
            return np.asarray(rows[..., self.presence_column] > _FLAG)
        if self.mask_key is None:
            return np.ones(rows.shape[:-1], np.bool_)
        return np.asarray(observations[self.mask_key]).reshape(rows.shape[:-1]) > _FLAG

    def beside(self, observations: Any) -> dict[str, Any]:
        """Take everything else out of observations."""
        return {key: observations[key] for key in self.others}


def find_source(
    space: spaces.Space[Any],
    key: str,
    mask_key: str | None,
    presence_column: int | None,
) -> Source:
    """Find the set whose past is to be shown.

    Args:
        space: The observations of the environments.
        key: The key of the set; a Box that is no part of a Dict has none.
        mask_key: Its mask; None: `<key>_mask` or `mask`, if one is there.
        presence_column: The column that is 1 in real rows.

    Raises:
        UserError: There is no such set, mask or column, or a key has a name that is needed here.
    """
    if isinstance(space, spaces.Dict):
        if key not in space.spaces:
            raise UserError(
                f"HistoryVecEnv: expected observations with a set of entities {key!r}, got the "
                f"keys {', '.join(space.spaces)}: name the key of the set by key="
            )
        found = _check_set(space.spaces[key], repr(key))
        mask_key = _find_mask(space, key, mask_key, n_rows=found.shape[0])
        others = {name: part for name, part in space.spaces.items() if name not in (key, mask_key)}
    else:
        found = _check_set(space, "the observation")
        if mask_key is not None:
            raise UserError(f"mask_key: expected none for {_line(space)}, got {mask_key!r}")
        others = {}
    _check_presence(presence_column, mask_key, n_columns=found.shape[1])
    taken = [name for name in KEYS if name in others]
    if taken:
        raise UserError(
            f"HistoryVecEnv: the observation has a key {taken[0]!r} already, which is to hold the "
            "history: give it another name"
        )
    keyed = key if isinstance(space, spaces.Dict) else None
    return Source(keyed, mask_key, presence_column, found, others)


def _check_set(space: spaces.Space[Any], name: str) -> spaces.Box:
    if not isinstance(space, spaces.Box) or len(space.shape) != 2 or 0 in space.shape:
        raise UserError(
            f"HistoryVecEnv: expected {name} to be a Box of entities, rows and columns, got "
            f"{_line(space)}: reshape it"
        )
    return space


def _check_presence(column: int | None, mask_key: str | None, *, n_columns: int) -> None:
    if column is None:
        return
    if mask_key is not None:
        raise UserError(
            f"presence_column: there is a mask already, key {mask_key!r}: leave the option out"
        )
    whole = isinstance(column, int | np.integer) and not isinstance(column, bool)
    if not whole or not 0 <= column < n_columns:
        raise UserError(
            f"presence_column: expected a column from 0 to {n_columns - 1}, got {column!r}"
        )


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
