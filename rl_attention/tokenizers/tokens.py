"""Tokens: what every arm eats."""

from typing import NamedTuple

from torch import Tensor


class Tokens(NamedTuple):
    """A batch of sets of vectors with a mask.

    Attributes:
        x: The vectors, `B N D`.
        mask: `B N`, True for real tokens.
    """

    x: Tensor
    mask: Tensor


class Tokenized(NamedTuple):
    """One batch of observations as tokens.

    Attributes:
        entities: The set: entities, cells or patches, `B N D`; entities only as far as the longest
            row of the batch.
        words: The words of the distinct missions of the batch, `M W D`; None where the space has
            none.
        mission: Which of the missions each observation has, `B`; None likewise.
        summary: Everything else (direction, what is carried, walls), `B D`; None where there is
            nothing else.
    """

    entities: Tokens
    words: Tokens | None
    mission: Tensor | None
    summary: Tensor | None


def last_real(mask: Tensor) -> int:
    """Count the columns up to the last one that is real anywhere in the batch; at least 1."""
    used = mask.any(dim=0).nonzero()
    return int(used[-1]) + 1 if len(used) else 1
