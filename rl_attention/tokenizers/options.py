"""How an observation is read: the options that every arm shares."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from rl_attention.errors import UserError

KINDS = ("entities", "cells", "pixels", "history")
"""What a set can be."""

T = TypeVar("T")
OfKey: TypeAlias = T | Mapping[str, T] | None
"""One value for every set, or one for each key."""


@dataclass(frozen=True)
class TokenOptions:
    """How an observation is read, and how its sets become tokens.

    Options that are about columns take one value for all sets of entities, or a mapping from the
    key of a set to its own.

    Args:
        width: Size `D` of a token.
        patch_size: Rows and columns of a patch, for images.
        position: How tokens say where they are: `auto`, `none`, `learned`, `sinusoidal` or
            `relative` (whose bias belongs to attention; see `make_position_code`).
        place_columns: Columns of `entities` that hold coordinates.
        entity_keys: Keys that hold sets, each with a mask `<key>_mask` or none; several are read as
            one set of tokens of different types. None: the one key that has a name of `KINDS`.
        kind: What a set is, one of `KINDS`, where neither its key nor its shape says it.
        presence_column: Column that is 1 in rows that are real and 0 in padding.
        categorical_columns: Columns of a float Box that hold ids; those of an integer Box with few
            values are known to.
        n_stack: How many frames `VecFrameStack` has put side by side.

    Raises:
        UserError: An option has a value that it cannot have.
    """

    width: int = 64
    patch_size: int = 8
    position: str = "auto"
    place_columns: Sequence[int] | None = None
    entity_keys: Sequence[str] | None = None
    kind: OfKey[str] = None
    presence_column: OfKey[int] = None
    categorical_columns: OfKey[Sequence[int]] = None
    n_stack: int = 1

    def __post_init__(self) -> None:
        # what YAML and JSON give are lists
        for name, read in _READ.items():
            object.__setattr__(self, name, read(name, getattr(self, name)))

    def check_keys(self, names: Sequence[str]) -> None:
        """Refuse options of a key that is no set.

        Args:
            names: What the sets of the observation are called.

        Raises:
            UserError: One is.
        """
        for option in ("kind", "presence_column", "categorical_columns"):
            value = getattr(self, option)
            strange = [key for key in value if key not in names] if _by_key(value) else []
            if strange:
                raise UserError(
                    f"{option}: expected keys of sets, {', '.join(names)}, got {strange[0]!r}"
                )

    def check_no_columns(self) -> None:
        """Refuse options of columns where the only set is an image.

        Raises:
            UserError: One is.
        """
        for option in ("presence_column", "categorical_columns"):
            value = getattr(self, option)
            if value is not None:
                raise UserError(f"{option}: an image has no columns, got {value!r}: leave it out")

    def kind_of(self, name: str) -> str | None:
        """Return what a set is said to be, or None."""
        return _of(self.kind, name)

    def presence_of(self, name: str) -> int | None:
        """Return the column of a set that says which rows are real, or None."""
        return _of(self.presence_column, name)

    def categories_of(self, name: str) -> tuple[int, ...]:
        """Return the columns of a set that are said to hold ids."""
        return tuple(_of(self.categorical_columns, name) or ())


def read_columns(name: str, columns: Any) -> tuple[int, ...] | None:
    """Return columns as a tuple of whole numbers.

    Args:
        name: The option.
        columns: Any sequence of whole numbers, or None.

    Raises:
        ValueError: It is anything else.
    """
    if columns is None:
        return None
    try:
        if isinstance(columns, str) or any(isinstance(c, bool) for c in columns):
            raise TypeError
        return tuple(operator.index(column) for column in columns)
    except TypeError:
        raise ValueError(
            f"{name} must be the numbers of columns of 'entities', such as (3, 4), got {columns!r}"
        ) from None


def _by_key(value: object) -> bool:
    return isinstance(value, Mapping)


def _of(value: Any, name: str) -> Any:
    return value.get(name) if _by_key(value) else value


def _each(read: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Read a value, or each value of a mapping."""

    def read_all(name: str, value: Any) -> Any:
        if not _by_key(value):
            return read(name, value)
        return {str(key): read(name, part) for key, part in value.items()}

    return read_all


def _read_keys(name: str, keys: Any) -> tuple[str, ...] | None:
    if keys is None:
        return None
    listed = isinstance(keys, Sequence) and not isinstance(keys, str)
    strings = listed and all(isinstance(key, str) for key in keys)
    if not strings or not keys or len(set(keys)) != len(keys):
        raise UserError(
            f"{name}: expected a list of different keys, such as ['allies', 'enemies'], got "
            f"{keys!r}"
        )
    return tuple(keys)


def _read_kind(name: str, kind: Any) -> str | None:
    if kind is not None and kind not in KINDS:
        raise UserError(f"{name}: expected one of {', '.join(KINDS)}, got {kind!r}")
    return kind


def _read_whole(least: int) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UserError(f"{name}: expected a whole number of at least {least}, got {value!r}")
        return value

    return read


_READ: dict[str, Callable[[str, Any], Any]] = {
    "place_columns": read_columns,
    "entity_keys": _read_keys,
    "kind": _each(_read_kind),
    "presence_column": _each(_read_whole(0)),
    "categorical_columns": _each(read_columns),
    "n_stack": _read_whole(1),
}
