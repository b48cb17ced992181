"""Numbers that their declared bounds squeeze to nothing."""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.doctor.checks.normalized_ids import find_normalization, normalized_keys
from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.sets import find_sets, real_rows, require_ours, token_options
from rl_attention.doctor.subject import Subject
from rl_attention.tokenizers.columns import LARGEST_BOUND, MAX_SYMBOLS

NARROW = 0.02
"""Numbers that vary less than this, where their bounds are -1 and 1, are as good as equal."""


def check(subject: Subject) -> Iterator[Finding]:
    """Find columns of entities whose bounds are far wider than what is observed.

    Extractors of ours scale a number by its bounds; `VecNormalize` has scaled it before and leaves
    the bounds as they were.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no set of entities, nothing was observed, or the extractor is none
            of ours.
    """
    require_ours(subject)
    declared, normalized = token_options(subject), _normalized(subject)
    for key, found, space in find_sets(subject):
        size = space.shape[-1] // declared.n_stack
        known = {*declared.categories_of(found.name), declared.presence_of(found.name)}
        if key in normalized:
            spread = np.ones(space.shape[-1])
        else:
            spread = real_rows(subject, key, found).astype(np.float64).std(axis=0)
        share = 2 * spread / _ranges(space)
        narrow = [
            str(column)
            for column in np.flatnonzero((share < NARROW) & (spread > 0))
            if column % size not in known
        ]
        if narrow:
            why = "VecNormalize scales them already, and " if key in normalized else ""
            yield Finding(
                "narrow_numbers",
                "warning",
                key,
                f"{why}the bounds of columns {', '.join(narrow)} are so wide that, scaled by them, "
                f"numbers vary by {share[int(narrow[0])]:.2g} or so",
                "declare bounds that the numbers fill, or none (-inf and inf)",
            )


def _normalized(subject: Subject) -> list[str]:
    try:
        return normalized_keys(find_normalization(subject))
    except NotApplicable:
        return []


def _ranges(space: spaces.Box) -> NDArray[np.float64]:
    """Return the range of each column by which it is scaled; 2 where it is not."""
    size = space.shape[-1]
    low = space.low.reshape(-1, size).astype(np.float64).min(axis=0)
    high = space.high.reshape(-1, size).astype(np.float64).max(axis=0)
    bounded = (np.abs(low) < LARGEST_BOUND) & (np.abs(high) < LARGEST_BOUND) & (high > low)
    if np.issubdtype(space.dtype, np.integer):
        bounded &= high - low + 1 > MAX_SYMBOLS  # the others are symbols
    return np.where(bounded, np.where(bounded, high, 1.0) - np.where(bounded, low, -1.0), 2.0)
