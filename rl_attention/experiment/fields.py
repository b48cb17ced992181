"""Field types of a config: strict, but at ease with numbers as people write them in YAML."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from rl_attention.experiment.schedules import parse_schedule

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EXPONENT = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+?\d+")


class ConfigModel(BaseModel):
    """A frozen group of settings that refuses unknown keys and wrong types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False
    )


def read_number(value: Any) -> Any:
    """Turn `'3e-4'` into a float: other YAML writers quote it, YAML 1.1 reads it as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


def read_count(value: Any) -> Any:
    """Turn `'1e5'` and `1.0e5` into an int; whatever is not whole is left to the type check."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def read_schedule(value: Any) -> float | str:
    """Accept a number above 0, or a linear schedule spelled as RL Zoo does, `lin_0.0003`.

    Raises:
        PydanticCustomError: Neither of the two came.
    """
    schedule, initial = _parse(value)
    if initial is None or initial <= 0:
        message = "expected a number above 0 or a linear schedule such as lin_0.0003"
        raise PydanticCustomError("schedule", message)
    return schedule


def read_signed_schedule(value: Any) -> float | str:
    """Accept any number, or a linear schedule of one, such as `lin_-0.002`.

    Raises:
        PydanticCustomError: Neither of the two came.
    """
    schedule, initial = _parse(value)
    if initial is None:
        message = "expected a number or a linear schedule such as lin_0.002 or lin_-0.002"
        raise PydanticCustomError("schedule", message)
    return schedule


def _parse(value: Any) -> tuple[float | str, float | None]:
    """Tidy a schedule up and give its first value, None where it is no schedule."""
    value = read_number(value)
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        return "", None
    try:
        initial, _ = parse_schedule(value)
    except ValueError:
        return "", None
    return value if isinstance(value, str) else float(value), initial


def read_list(value: Any) -> Any:
    """Turn a YAML list into a tuple, so that a frozen config is frozen all through."""
    return tuple(value) if isinstance(value, list) else value


NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
"""What may be the name of a folder."""

Name = Annotated[str, Field(pattern=NAME, max_length=64)]
Fraction = Annotated[float, BeforeValidator(read_number), Field(ge=0, le=1)]
NonNegative = Annotated[float, BeforeValidator(read_number), Field(ge=0)]
Positive = Annotated[float, BeforeValidator(read_number), Field(gt=0)]
Count = Annotated[int, BeforeValidator(read_count), Field(ge=1, le=2**53)]
Seed = Annotated[int, BeforeValidator(read_count), Field(ge=0, lt=2**32)]
Schedule = Annotated[float | str, PlainValidator(read_schedule)]
SignedSchedule = Annotated[float | str, PlainValidator(read_signed_schedule)]
Sizes = Annotated[tuple[Count, ...], BeforeValidator(read_list)]
Keys = Annotated[tuple[str, ...], BeforeValidator(read_list)]
Seeds = Annotated[tuple[Seed, ...], BeforeValidator(read_list), Field(min_length=1)]
