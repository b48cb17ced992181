"""How an observation is read: the options that every arm shares."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, TypeVar

from rl_attention.errors import UserError, suggest

KINDS = ("entities", "cells", "pixels", "history", "frames")
"""What a set can be."""

FRAME_WAYS = ("entities", "newest", "summary")
"""How the rows of past frames become tokens: one each, one for each of now, or none but steps'."""

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
        frames: What becomes of the rows of `frames`, one of `FRAME_WAYS`.
        ignored_keys: Keys that are not read, such as a `mission` that never changes; the mask
            `<key>_mask` of each is not read either.

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
    frames: str = "entities"
    ignored_keys: Sequence[str] = ()

    @classmethod
    def of(cls, owner: str, given: Mapping[str, Any]) -> "TokenOptions":
        """Make options of what an extractor was given by name.

        Args:
            owner: The extractor.
            given: Options by name.

        Raises:
            UserError: There is no such option.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UserError(
                    f"{owner}: got an unexpected option {name!r}; {suggest(name, known)}"
                )
        return cls(**given)

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

    def check_no_columns(self, name: str, *, alone: bool) -> None:
        """Refuse options of columns for an image.

        Args:
            name: What the image is called.
            alone: Whether it is the only set, so that an option for all sets is for it.

        Raises:
            UserError: One is.
        """
        for option in ("presence_column", "categorical_columns"):
            value = getattr(self, option)
            if value is not None and (alone or (_by_key(value) and name in value)):
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
            f"{name} must be the numbers of columns, such as (3, 4), got {columns!r}"
        ) from None


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number, or too small.

    Args:
        name: The option.
        value: Its value.
        least: The smallest that will do.

    Raises:
        ValueError: It is one.
    """
    try:
        whole = not isinstance(value, bool) and operator.index(value) >= least
    except TypeError:
        whole = False
    if not whole:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


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


def _read_ignored(name: str, keys: Any) -> tuple[str, ...]:
    return _read_keys(name, keys or None) or ()


def _read_kind(name: str, kind: Any) -> str | None:
    if kind is not None and kind not in KINDS:
        raise UserError(f"{name}: expected one of {', '.join(KINDS)}, got {kind!r}")
    return kind


def _read_frames(name: str, way: Any) -> str:
    if way not in FRAME_WAYS:
        raise UserError(f"{name}: expected one of {', '.join(FRAME_WAYS)}, got {way!r}")
    return str(way)


def _read_whole(least: int) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> int | None:
        if value is None:
            return None
        try:
            if isinstance(value, bool) or operator.index(value) < least:
                raise TypeError
        except TypeError:
            raise UserError(
                f"{name}: expected a whole number of at least {least}, got {value!r}"
            ) from None
        return operator.index(value)

    return read


def _read_size(name: str, value: Any) -> Any:
    check_whole(name, value, 1)
    return value


_READ: dict[str, Callable[[str, Any], Any]] = {
    "width": _read_size,
    "patch_size": _read_size,
    "place_columns": read_columns,
    "entity_keys": _read_keys,
    "kind": _each(_read_kind),
    "presence_column": _each(_read_whole(0)),
    "categorical_columns": _each(read_columns),
    "n_stack": _read_whole(1),
    "frames": _read_frames,
    "ignored_keys": _read_ignored,
}
