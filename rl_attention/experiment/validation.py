"""Turn plain data into a config, or one clear line."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rl_attention.errors import UserError
from rl_attention.experiment.hyperparams import HYPERPARAMS

Config = TypeVar("Config", bound=BaseModel)

_SHOWN = 60

_PLAIN = {
    "string_pattern_mismatch": "expected text that matches {pattern}",
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "too_short": "expected at least {min_length} of them",
    "invalid_key": "expected text as a key",
}


def validate(model: type[Config], data: Any, *, source: str = "") -> Config:
    """Build a config from plain data.

    Args:
        model: The config's class.
        data: What a YAML file or the command line gave.
        source: Where it came from; begins the message.

    Raises:
        UserError: Anything is unknown, missing, of a wrong type or out of range.
    """
    prefix = f"{source}: " if source else ""
    if not isinstance(data, Mapping):
        raise UserError(f"{prefix}expected a mapping of settings, got {_show(data)}")
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        details = error.errors(include_url=False)
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        line = _explain(details[0], model, data)
        raise UserError(f"{prefix}{line}{more}") from None


def _explain(detail: ErrorDetails, model: type[BaseModel], data: Mapping[str, Any]) -> str:
    path = join_path(detail["loc"])
    kind, came = detail["type"], detail["input"]
    if kind == "conflict":
        return detail["msg"]
    if kind == "extra_forbidden":
        return (
            f"{path}: unknown key{suggest(detail['loc'], valid_keys(model, detail['loc'], data))}"
        )
    if kind == "missing":
        return f"{path}: required, but it is not there"
    expected = detail["msg"].replace("Input should be", "expected", 1)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        near = difflib.get_close_matches(str(came), choices, n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{path}: {expected}, got {_show(came)}{hint}"
    expected = _PLAIN.get(kind, expected).format(**detail.get("ctx", {}))
    return f"{path}: {expected[:1].lower()}{expected[1:]}, got {_show(came)}"


def join_path(parts: Sequence[str | int]) -> str:
    """Write a path with dots; a part that would break the line is quoted.

    Args:
        parts: Keys and indices.
    """
    return ".".join(part if _is_plain(part) else repr(part) for part in map(str, parts))


def suggest(path: Sequence[Any], valid: Sequence[str]) -> str:
    """Name the valid word nearest to the last part of a path, or else list them all.

    Args:
        path: Where it went wrong; its last part is the word to compare.
        valid: What could have stood there.
    """
    near = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; expected one of {', '.join(valid)}" if valid else ""


def valid_keys(
    model: type[BaseModel], loc: Sequence[str | int], data: Mapping[str, Any]
) -> list[str]:
    """List the keys that the group around a location has.

    Args:
        model: The config's class.
        loc: Path of the unknown key.
        data: The whole data, whose `algo` decides which hyperparameters there are.
    """
    current: type[BaseModel] = model
    for part in loc[:-1]:
        if part == "hyperparams":
            default = model.model_fields["algo"].default
            return sorted(HYPERPARAMS[str(data.get("algo", default))].model_fields)
        child = find_group(current, str(part))
        if child is None:
            return []
        current = child
    return list(current.model_fields)


def find_group(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the config class of a field, or None where it is a plain value or several by name."""
    field = model.model_fields.get(name)
    if field is None or get_origin(field.annotation) is dict:
        return None
    annotation = field.annotation
    candidates = (annotation, *get_args(annotation))
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable()


def _show(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return f"{text} ({type(value).__name__})"
