"""Equal rows of a batch, found once: what is computed of one holds for all."""

from typing import NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from rl_attention.tokenizers.schema import WORDS_MASK_KEY, Schema

LEAST_ROWS = 512
"""A smaller batch costs less than the search."""

MOST_KEPT = 0.9
"""The search was in vain where more than this share of the rows is distinct."""

_FACTOR, _SUMS = 4096, 6


class Distinct(NamedTuple):
    """Which rows of a batch are distinct.

    Attributes:
        first: The number of one row of each kind, `M`.
        which: Which kind each row is, `B`.
    """

    first: Tensor
    which: Tensor


def distinct_rows(rows: Tensor) -> Distinct:
    """Find the distinct rows of a matrix of small whole numbers.

    `torch.unique(dim=0)` compares rows one by one, which costs more than the attention itself; a
    few random sums of each row tell them apart at once. Two rows with the same sums are as good as
    impossible, and are found out and sorted properly all the same.

    Args:
        rows: `B W`, floating point.

    Returns:
        The number of one row of each kind, and which kind each row is; while torch exports, every
        row is of a kind of its own.
    """
    if torch.compiler.is_exporting():
        each = torch.arange(rows.shape[0], device=rows.device)
        return Distinct(each, each)
    if torch.equal(rows, rows[:1].expand_as(rows)):
        same = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        return Distinct(same[:1], same)
    values, which = torch.unique(_sums(rows), return_inverse=True)
    first = _one_of_each(which, len(values))
    if not torch.equal(rows.index_select(0, first[which]), rows):
        values, which = torch.unique(rows, dim=0, return_inverse=True)
        first = _one_of_each(which, len(values))
    return Distinct(first, which)


def _sums(rows: Tensor) -> Tensor:
    """Give each row `B W` a 64-bit number that depends on every column.

    Sums of small whole numbers are exact in floating point, so that equal rows have equal ones.
    """
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(_FACTOR, (rows.shape[1], _SUMS), generator=generator)
    sums = (rows @ factors.to(rows)).long()
    mixers = torch.randint(-(2**62), 2**62, (_SUMS,), generator=generator)
    return (sums * mixers.to(rows.device)).sum(dim=1)  # wraps around, as it may


def worth_searching(observations: dict[str, Tensor]) -> bool:
    """Tell whether a batch is large enough; a compiled network does not search: it would split."""
    if torch.compiler.is_compiling():
        return False
    return len(next(iter(observations.values()))) >= LEAST_ROWS


def distinct_observations(observations: dict[str, Tensor], schema: Schema) -> Distinct | None:
    """Find the distinct observations of a batch of symbols.

    An agent in a world of symbols meets the same view many times: a minibatch of 640 views of
    MiniGrid-DoorKey-6x6 holds about 180 distinct ones.

    Args:
        observations: What Stable-Baselines3 passes to `forward` of an extractor.
        schema: The parts of their space.

    Returns:
        The number of one observation of each kind, and which kind each is; None where more than
        `MOST_KEPT` of them are distinct.
    """
    masks = {found.key: found.mask_key for found in schema.sets if found.mask_key is not None}
    parts = []
    for key, values in observations.items():
        if key in masks:
            values = _trimmed(values, observations[masks[key]])
        parts.append(values[..., None].flatten(start_dim=1).float())
    first, which = distinct_rows(torch.cat(parts, dim=1))
    return None if len(first) > MOST_KEPT * len(which) else Distinct(first, which)


def holds_symbols(space: spaces.Dict, schema: Schema) -> bool:
    """Tell whether every key holds whole numbers and none is an image: then views come again."""
    flags = {WORDS_MASK_KEY, *(found.mask_key for found in schema.sets)}
    flags |= {found.companions.steps for found in schema.sets}
    return all(found.kind != "pixels" for found in schema.sets) and all(
        key in flags or (part.dtype is not None and np.issubdtype(part.dtype, np.integer))
        for key, part in space.spaces.items()
        if key not in schema.ignored
    )


def _one_of_each(which: Tensor, count: int) -> Tensor:
    number = torch.arange(len(which), device=which.device)
    return number.new_zeros(count).scatter_(0, which, number)


def _trimmed(values: Tensor, mask: Tensor) -> Tensor:
    """Leave out the slots of `B N F` behind the last one that is real anywhere."""
    used = mask.flatten(start_dim=1).sum(dim=0).nonzero()  # faster than any
    return values[:, : int(used[-1]) + 1] if values.dim() == 3 and len(used) else values
