"""Columns of entities that are read as numbers but may be ids."""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.doctor.findings import Finding
from rl_attention.doctor.parts import is_integer
from rl_attention.doctor.sets import find_sets, real_rows, token_options
from rl_attention.doctor.subject import Subject
from rl_attention.tokenizers.columns import MAX_SYMBOLS

_LEAST_IDS = 3  # 0 and 1 are a flag


def check(subject: Subject) -> Iterator[Finding]:
    """Find integer columns with wide bounds, and float columns that hold whole numbers alone.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no set of entities, or nothing was observed.
    """
    declared = token_options(subject)
    for key, found, space in find_sets(subject):
        known = {*declared.categories_of(found.name), declared.presence_of(found.name)}
        size = space.shape[-1] // declared.n_stack
        unknown = [c for c in range(space.shape[-1]) if c % size not in known]
        if is_integer(space):
            yield from _wide(key, space, unknown)
            continue
        rows = real_rows(subject, key, found)
        columns = [str(column) for column in unknown if _like_ids(rows[:, column])]
        if columns:
            yield Finding(
                "number_columns",
                "note",
                key,
                f"float columns {', '.join(columns)} hold whole numbers alone in {len(rows)} rows: "
                "read as numbers, also if they are ids",
                "if they are ids, declare the Box as integer with true bounds, or name the columns "
                "by categorical_columns",
            )


def _wide(key: str, space: spaces.Box, unknown: list[int]) -> Iterator[Finding]:
    size = space.shape[-1]
    low = space.low.reshape(-1, size).astype(np.float64).min(axis=0)
    high = space.high.reshape(-1, size).astype(np.float64).max(axis=0)
    columns = [column for column in unknown if high[column] - low[column] + 1 > MAX_SYMBOLS]
    if columns:
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
