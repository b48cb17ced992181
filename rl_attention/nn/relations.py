"""What two tokens are to each other by their places: near enough to be read, and how far apart.

Axes: `B` batch (1 where all rows have the same places), `H` heads, `N` tokens, `P` coordinates.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_OFFSETS = 65536
"""A relative bias has at most this many different offsets."""


class Relation(NamedTuple):
    """What attention has to know of pairs of tokens.

    Attributes:
        near: `B N N`, True where the first may read the second; None: all may.
        bias: `B H N N`, added to the scores; None: nothing is.
    """

    near: Tensor | None = None
    bias: Tensor | None = None


class RelativeBias(nn.Module):
    """A learned number for each head and each offset from one place to another; all start at 0.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 2.1, on grids
    as in Liu et al. 2021, "Swin Transformer", equation 4.

    Args:
        n_heads: `H`.
        spans: How many places there are along each coordinate.

    Raises:
        ValueError: There are more than `MAX_OFFSETS` offsets.
    """

    def __init__(self, n_heads: int, spans: Sequence[int]) -> None:
        super().__init__()
        sides = [2 * span - 1 for span in spans]
        if math.prod(sides) > MAX_OFFSETS:
            raise ValueError(
                f"relative positions need at most {MAX_OFFSETS} offsets, got {math.prod(sides)} of "
                f"{tuple(spans)} places: choose other positions"
            )
        self.sides = sides
        self.spans = tuple(spans)
        self.table = nn.Parameter(torch.zeros(math.prod(sides), n_heads))

    def forward(self, places: Tensor) -> Tensor:
        """Map whole places `B N P`, counted from 0, to a bias `B H N N`."""
        offsets = places[:, None] - places[:, :, None]  # B N N P, from the reader to the read
        index = offsets.new_zeros(offsets.shape[:-1])
        for axis, (side, span) in enumerate(zip(self.sides, self.spans, strict=True)):
            index = index * side + offsets[..., axis] + (span - 1)
        return F.embedding(index.long(), self.table).permute(0, 3, 1, 2)


class Relations(nn.Module):
    """Relate tokens by their places; a global token has no place, so nothing is far from it.

    The global token comes first. It reads all and is read by all, whatever the radius, as in
    Beltagy et al. 2020, "Longformer", section 3.1.

    Args:
        n_heads: `H`.
        radius: How far a token reads along any coordinate; None: everywhere.
        spans: How many places there are along each coordinate, for a relative bias; None: no bias.
    """

    def __init__(
        self, *, n_heads: int, radius: int | None = None, spans: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.radius = radius
        self.bias = None if spans is None else RelativeBias(n_heads, spans)

    def forward(self, places: Tensor | None) -> Relation:
        """Relate a global token and `N` tokens at `places` (`B N P`): `N + 1` tokens."""
        if places is None:
            return Relation()
        near = bias = None
        if self.radius is not None:
            near = F.pad(is_near(places, self.radius), (1, 0, 1, 0), value=True)
        if self.bias is not None:
            bias = F.pad(self.bias(places), (1, 0, 1, 0))
        return Relation(near, bias)


def is_near(places: Tensor, radius: int) -> Tensor:
    """Tell which places `B N P` lie within a radius along every coordinate: `B N N`."""
    return ((places[:, None] - places[:, :, None]).abs() <= radius).all(dim=-1)
