"""An observation space in plain words, and what two of them differ in."""

import hashlib
import reprlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Parts = Mapping[str, Mapping[str, Any]]
"""From a key to what its space is; a space without keys has one, which is empty."""

_WHOLE = ""
_MASK_TYPES = ("Box", "MultiBinary")


def describe(space: spaces.Space[Any]) -> dict[str, dict[str, Any]]:
    """Describe a space in plain JSON.

    Args:
        space: A space that an extractor takes.
    """
    if isinstance(space, spaces.Dict):
        return {key: _describe(part) for key, part in space.spaces.items()}
    return {_WHOLE: _describe(space)}


def _describe(space: spaces.Space[Any]) -> dict[str, Any]:
    if isinstance(space, spaces.Box):
        low, high = _bounds(space.low), _bounds(space.high)
        shape = list(space.shape)
        return {"type": "Box", "shape": shape, "dtype": str(space.dtype), "low": low, "high": high}
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n)}
    if isinstance(space, spaces.MultiDiscrete):
        return {"type": "MultiDiscrete", "nvec": space.nvec.tolist()}
    return {"type": type(space).__name__, "shape": list(space.shape or ())}


def _bounds(bounds: NDArray[Any]) -> Any:
    """One number where all are alike, one a column where all rows are, else their hash."""
    if not bounds.size:
        return []
    if np.issubdtype(bounds.dtype, np.floating):
        with np.errstate(over="ignore"):
            bounds = bounds.astype(np.float32)  # what a network sees of them
    rows = bounds.reshape(-1, bounds.shape[-1] if bounds.shape else 1)
    if (rows != rows[:1]).any():
        return f"sha256:{hashlib.sha256(rows.tobytes()).hexdigest()}"
    columns = [_number(value) for value in rows[:1].ravel().tolist()]
    return columns[0] if len(set(columns)) == 1 else columns


def _number(value: Any) -> Any:
    """JSON knows no infinity."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def explain_difference(
    stored: Parts, ours: Parts, *, masks: Collection[str], slots_are_free: bool
) -> str | None:
    """Say in which key two spaces differ, if they do.

    Args:
        stored: The space from a file.
        ours: The space of an extractor.
        masks: Keys that say which tokens are real; they follow their sets in size, and may be a
            MultiBinary or a Box.
        slots_are_free: Whether sets may have more rows, or fewer.

    Returns:
        One clause, or None.
    """
    for key in sorted(stored.keys() | ours.keys()):
        if key not in stored:
            return f"{named(key)}: expected it, got a file without"
        if key not in ours:
            return f"{named(key)}: expected none, got a file with it"
        theirs, mine = stored[key], ours[key]
        if key in masks and theirs.get("type") in _MASK_TYPES:
            continue
        for field, value in mine.items():
            if _alike(field, theirs.get(field), value):
                continue
            if slots_are_free and field == "shape" and _differ_in_slots(theirs, mine):
                continue
            return f"{named(key)}: {_explain(field, theirs.get(field), value)}"
    return None


def find_other_slots(stored: Parts, ours: Parts, masks: Collection[str]) -> str | None:
    """Name the first set that has another number of rows in a file than here.

    Args:
        stored: The space from a file.
        ours: The space of an extractor.
        masks: Keys that say which tokens are real.
    """
    for key in sorted(stored.keys() & ours.keys()):
        theirs, mine = stored[key].get("shape"), ours[key].get("shape")
        if theirs != mine and key not in masks:
            return f"{named(key)}: expected shape {shown(mine)}, got {shown(theirs)}"
    return None


def _explain(field: str, theirs: Any, mine: Any) -> str:
    """Name the first place where two lists of the same length differ; a shape is shown whole."""
    lists = isinstance(mine, list) and isinstance(theirs, list) and field != "shape"
    if lists and len(mine) == len(theirs):
        at = next(i for i, value in enumerate(mine) if value != theirs[i])
        return f"expected {field}[{at}] {shown(mine[at])}, got {shown(theirs[at])}"
    return f"expected {field} {shown(mine)}, got {shown(theirs)}"


def _alike(field: str, theirs: Any, mine: Any) -> bool:
    if field == "dtype":
        # networks get floats; whole numbers are symbols whatever their size
        return isinstance(theirs, str) and _is_whole(theirs) == _is_whole(mine)
    return bool(theirs == mine)


def _is_whole(dtype: str) -> bool:
    return dtype.startswith(("int", "uint"))


def _differ_in_slots(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    shape, other = mine["shape"], theirs.get("shape")
    if not isinstance(other, list) or len(other) != len(shape):
        return False
    return len(shape) == 2 and other[1:] == shape[1:]


def named(key: str) -> str:
    """Name a key in a message.

    Args:
        key: A key of `Parts`.
    """
    return f"observation key {shown(key)}" if key != _WHOLE else "the observation"


def shown(value: Any) -> str:
    """Show a value that anyone may have written.

    Args:
        value: Plain JSON.
    """
    return reprlib.repr(value)
