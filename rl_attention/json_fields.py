"""The fields of a JSON object that anyone may have written, each checked as it is read."""

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError

_MOST = 2**53
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:/-]{0,127}")
_MAX_TEXT = 200
_SHOWN = 60


@dataclass(frozen=True)
class Fields:
    """A JSON object and the file that it came from.

    Each method returns one field as it should be, or raises a `UserError` that names it. Numbers
    lie within 2^53, where sums and means stay finite, and no text can steer a terminal.

    Args:
        data: The object.
        source: The file, for messages.
    """

    data: Mapping[str, Any]
    source: Path

    def name(self, key: str) -> str:
        """Return the name of an environment, an arm or the like: no blank, no markup."""
        value = self._get(key)
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
        raise self._refusal(key, "a name of letters, digits and ._+:/-", value)

    def key_name(self, key: str) -> str:
        """Return a key of the object, if it could be the name of an environment or an arm."""
        if _NAME.fullmatch(key):
            return key
        raise self._refusal(key, "a key of letters, digits and ._+:/-", key)

    def text(self, key: str) -> str:
        """Return one line of text."""
        value = self._get(key)
        if isinstance(value, str) and value.isprintable() and len(value) <= _MAX_TEXT:
            return value
        raise self._refusal(key, f"a line of at most {_MAX_TEXT} characters", value)

    def whole(self, key: str) -> int:
        """Return a whole number that is not negative."""
        value = self._get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
            return value
        raise self._refusal(key, "a whole number from 0 to 2^53", value)

    def number(self, key: str) -> float:
        """Return a number that is finite."""
        value = self._get(key)
        if _is_number(value):
            return float(value)
        raise self._refusal(key, "a finite number, at most 2^53 either way", value)

    def share(self, key: str) -> float:
        """Return a number from 0 to 1."""
        value = self._get(key)
        if _is_number(value) and 0 <= value <= 1:
            return float(value)
        raise self._refusal(key, "a number from 0 to 1", value)

    def numbers(self, key: str) -> list[float]:
        """Return a list of finite numbers."""
        value = self._get(key)
        if isinstance(value, list) and all(map(_is_number, value)):
            return [float(number) for number in value]
        raise self._refusal(key, "a list of finite numbers", value)

    def flags(self, key: str) -> list[bool]:
        """Return a list of truth values."""
        value = self._get(key)
        if isinstance(value, list) and all(isinstance(flag, bool) for flag in value):
            return value
        raise self._refusal(key, "a list of true and false", value)

    def pairs(self, key: str) -> list[list[float]]:
        """Return a list of pairs of finite numbers."""
        value = self._get(key)
        if isinstance(value, list) and all(map(_is_pair, value)):
            return value
        raise self._refusal(key, "a list of pairs of finite numbers", value)

    def texts(self) -> dict[str, str]:
        """Return the whole object, each field of which is a line of text."""
        return {key: self.text(key) for key in self.data}

    def below(self, key: str) -> "Fields":
        """Return the fields of an object within this one."""
        value = self._get(key)
        if isinstance(value, Mapping):
            return Fields(value, self.source)
        raise self._refusal(key, "an object", value)

    def below_if_there(self, key: str) -> "Fields":
        """Return the fields of an object within this one, none where files of old have none."""
        return Fields({}, self.source) if key not in self.data else self.below(key)

    def is_absent(self, key: str) -> bool:
        """Tell whether a field is missing, as in a file of an older version, or says nothing."""
        return self.data.get(key) is None

    def is_null(self, key: str) -> bool:
        """Tell whether a field is there and says that there is nothing."""
        return self._get(key) is None

    def _get(self, key: str) -> Any:
        if key not in self.data:
            raise UserError(f"{self.source}: expected the key {key!r}, but it is not there")
        return self.data[key]

    def _refusal(self, key: str, expected: str, value: Any) -> UserError:
        shown = reprlib.repr(value)[:_SHOWN]
        path = key if key.isidentifier() else repr(key[:_SHOWN])
        return UserError(f"{self.source}: {path}: expected {expected}, got {shown}")


def _is_number(value: Any) -> bool:
    # NaN is in no range, and a huge int that has no float can be compared
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and -_MOST <= value <= _MOST


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
