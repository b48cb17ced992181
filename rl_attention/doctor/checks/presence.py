"""A column that says which rows are real, and that nobody reads as a mask."""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from rl_attention.doctor.findings import Finding
from rl_attention.doctor.sets import find_sets, require_ours, token_options
from rl_attention.doctor.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Find rows of zeros in a set without a mask, and the column that is 1 in all others.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no set of entities, nothing was observed, or the extractor is none
            of ours.
    """
    require_ours(subject)
    declared = token_options(subject)
    for key, found, _ in find_sets(subject):
        masked = found.mask_key is not None or declared.presence_of(found.name) is not None
        if found.kind != "entities" or masked:
            continue
        values = subject.observations()[key]
        size = values.shape[-1] // declared.n_stack  # of stacked frames, the newest
        rows = values[..., -size:].reshape(-1, size)
        real = (rows != 0).any(axis=1)
        if real.all() or not real.any():
            continue
        yield Finding(
            "presence",
            "warning",
            key,
            f"{int((~real).sum())} of {len(rows)} rows are zeros and count as entities: no mask "
            "says that they are padding",
            _fix(rows, real),
        )


def _fix(rows: NDArray[Any], real: NDArray[Any]) -> str:
    flags = [str(c) for c in range(rows.shape[1]) if (rows[:, c] == real).all()]
    if flags:
        return f"column {flags[0]} says which rows are real: set presence_column={flags[0]}"
    return "add a key with a mask, or a column that is 1 in rows that are real and 0 in padding"
