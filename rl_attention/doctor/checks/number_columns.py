"""Columns of entities that are read as numbers but may be ids."""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import WHOLE, is_integer
from rl_attention.doctor.subject import Subject
from rl_attention.errors import UserError
from rl_attention.tokenizers.columns import MAX_SYMBOLS
from rl_attention.tokenizers.schema import MASK_KEY, Schema, read_schema

_LEAST_IDS = 3  # 0 and 1 are a flag


def check(subject: Subject) -> Iterator[Finding]:
    """Find integer columns with wide bounds, and float columns that hold whole numbers alone.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no set of entities, or nothing was observed.
    """
    schema = _find_set(subject)
    key = schema.kind if isinstance(subject.raw_space, spaces.Dict) else WHOLE
    if is_integer(schema.set_space):
        yield from _wide(key, schema.set_space)
        return
    observed = subject.observations()
    rows = observed[key].reshape(-1, schema.set_space.shape[-1])
    if schema.has_mask:
        rows = rows[observed[MASK_KEY].reshape(-1) != 0]
    columns = [str(column) for column in range(rows.shape[1]) if _like_ids(rows[:, column])]
    if columns:
        yield Finding(
            "number_columns",
            "note",
            key,
            f"float columns {', '.join(columns)} hold whole numbers alone in {len(rows)} rows: "
            "read as numbers, also if they are ids",
            "if they are ids, declare the Box as integer with true bounds",
        )


def _find_set(subject: Subject) -> Schema:
    try:
        schema = read_schema(subject.raw_space)
    except UserError as error:
        raise NotApplicable("the space holds no set of entities") from error
    if schema.kind == "pixels":
        raise NotApplicable("pixels are numbers")
    return schema


def _wide(key: str, space: spaces.Box) -> Iterator[Finding]:
    size = space.shape[-1]
    low = space.low.reshape(-1, size).astype(np.float64).min(axis=0)
    high = space.high.reshape(-1, size).astype(np.float64).max(axis=0)
    columns = np.flatnonzero(high - low + 1 > MAX_SYMBOLS)
    if len(columns):
        first = columns[0]
        yield Finding(
            "number_columns",
            "note",
            key,
            f"integer columns {', '.join(map(str, columns))} have more than {MAX_SYMBOLS} values "
            f"({low[first]:.0f} to {high[first]:.0f}), so they are read as numbers",
            "if they are ids, declare true bounds",
        )


def _like_ids(values: NDArray[np.generic]) -> bool:
    distinct = np.unique(values.astype(np.float64))
    whole = bool((distinct == np.floor(distinct)).all())
    return whole and len(distinct) >= _LEAST_IDS and distinct[0] >= 0 and distinct[-1] < MAX_SYMBOLS
