"""What two tokens are to each other by their places: near enough to be read, and how far apart.

Axes: `B` rows, `H` heads, `N` tokens of a row, `T` packed tokens, `P` pairs, `C` coordinates.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rl_attention.nn.chunks import ChunkReading
from rl_attention.nn.groups import GroupReading
from rl_attention.nn.ragged import Layout, PaddedLayout
from rl_attention.nn.reading import DenseReading, PairReading, Reading, read_pairs

MAX_OFFSETS = 65536
"""A relative bias has at most this many different offsets."""

SPARSE_SHARE = 0.25
"""Pairs are listed where tokens read at most this share of the slots."""

LONG = 64
"""A row of more tokens than this is worth the work of grouping rows by their length."""

MOST_UNEVEN = 5
"""Rows of a set are computed in chunks unless the longest has more than so many times the mean."""


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

    def forward(self, offsets: Tensor) -> Tensor:
        """Map whole offsets `... C`, from the reader to the read, to a bias `... H`."""
        index = offsets.new_zeros(offsets.shape[:-1])
        for axis, (side, span) in enumerate(zip(self.sides, self.spans, strict=True)):
            index = index * side + offsets[..., axis] + (span - 1)
        return F.embedding(index.long(), self.table)


class Relations(nn.Module):
    """Relate tokens by their places; a global token has no place, so nothing is far from it.

    The global token comes first. It reads all and is read by all, whatever the radius, as in
    Beltagy et al. 2020, "Longformer", section 3.1.

    Args:
        n_heads: `H`.
        radius: How far a token reads along any coordinate; None: everywhere.
        spans: How many places there are along each coordinate, for a relative bias; None: no bias.
        fixed: Where each slot is, `N C`, for a set whose tokens never move; None for any other.
        multiplies: Whether comparing all queries with all keys is one product of matrices.
    """

    fixed: Tensor | None
    near: Tensor | None
    near_pairs: Tensor | None

    def __init__(
        self,
        *,
        n_heads: int,
        radius: float | None = None,
        spans: Sequence[int] | None = None,
        fixed: Tensor | None = None,
        multiplies: bool = True,
    ) -> None:
        super().__init__()
        self.radius = radius
        self.multiplies = multiplies
        self.bias = None if spans is None else RelativeBias(n_heads, spans)
        self.register_buffer("fixed", fixed, persistent=False)
        near = near_pairs = None
        if fixed is not None and radius is not None:
            near = is_near(fixed, radius)
            if near.sum() <= SPARSE_SHARE * near.numel():
                near_pairs = near.nonzero().T.contiguous()
            near = F.pad(near, (1, 0, 1, 0), value=True)[None]
        self.register_buffer("near", near, persistent=False)
        self.register_buffer("near_pairs", near_pairs, persistent=False)

    def forward(self, rows: Layout, tokens: Layout, places: Tensor | None) -> Reading:
        """Let the global token of each row and the tokens of the set read each other.

        Args:
            rows: Where the global tokens stand.
            tokens: Where the tokens of the set stand.
            places: Where the tokens of the set are, packed, `T C`; None: nowhere.
        """
        joint = rows.then(tokens)
        if isinstance(joint, PaddedLayout):
            return self._padded(joint, tokens, places)
        if self.near_pairs is not None:
            return self._related(self._windows(joint, tokens), places, joint.n_rows)
        if self.fixed is not None:
            return self._dense(joint)
        if self.multiplies and self.radius is None and self.bias is None:
            if joint.longest > LONG and not torch.compiler.is_compiling():
                return GroupReading(joint, joint)
            # one long row among short ones would make wide chunks of little
            if joint.n_rows * joint.longest <= MOST_UNEVEN * len(joint.row):
                return ChunkReading(joint, joint)
        return self._related(read_pairs(joint, joint), places, joint.n_rows)

    def _related(self, pairs: PairReading, places: Tensor | None, n_rows: int) -> PairReading:
        """Keep the pairs that are near, and add what is learned of their offset."""
        # windows hold near pairs alone
        radius = self.radius if self.near_pairs is None else None
        if places is None or (radius is None and self.bias is None):
            return pairs
        placed = (pairs.query >= n_rows) & (pairs.key >= n_rows)
        everywhere = torch.cat([places.new_zeros(n_rows, places.shape[1]), places])
        offsets = everywhere[pairs.key] - everywhere[pairs.query]
        if radius is not None:
            chosen = ((offsets.abs() <= radius).all(dim=-1) | ~placed).nonzero()[:, 0]
            pairs, offsets, placed = pairs.among(chosen), offsets[chosen], placed[chosen]
        if self.bias is None:
            return pairs
        offsets = offsets.masked_fill(~placed[:, None], 0)
        bias = self.bias(offsets).masked_fill(~placed[:, None], 0.0)
        return replace(pairs, bias=bias)

    def _dense(self, joint: Layout) -> DenseReading:
        """Relate the slots, which are the same in every row."""
        assert self.fixed is not None
        bias = None
        if self.bias is not None:
            offsets = self.fixed[None] - self.fixed[:, None]  # N N C
            bias = F.pad(self.bias(offsets).permute(2, 0, 1), (1, 0, 1, 0))[None]
        return DenseReading(joint, joint, near=self.near, bias=bias)

    def _padded(self, joint: Layout, tokens: Layout, places: Tensor | None) -> DenseReading:
        """Relate all slots, those of the padding too; nobody reads what they are to each other."""
        if self.fixed is not None:
            return self._dense(joint)
        near = bias = None
        if places is not None and (self.radius is not None or self.bias is not None):
            where = tokens.pad(places)
            offsets = where[:, None] - where[:, :, None]  # B N N C
            if self.radius is not None:
                near = (offsets.abs() <= self.radius).all(dim=-1)
                near = F.pad(near, (1, 0, 1, 0), value=True)
            if self.bias is not None:
                bias = F.pad(self.bias(offsets).permute(0, 3, 1, 2), (1, 0, 1, 0))
        return DenseReading(joint, joint, near=near, bias=bias)

    def _windows(self, joint: Layout, tokens: Layout) -> PairReading:
        """List the near pairs of slots that are real, and all pairs with a global token."""
        assert self.near_pairs is not None
        asking, read = self.near_pairs
        both = tokens.mask[:, asking] & tokens.mask[:, read]
        row, pair = both.nonzero(as_tuple=True)
        n_rows = joint.n_rows
        query = tokens.table[row, asking[pair]] + n_rows
        key = tokens.table[row, read[pair]] + n_rows
        first = torch.arange(n_rows, device=query.device)
        number = torch.arange(len(tokens.row), device=query.device) + n_rows
        query = torch.cat([query, number, tokens.row, first])
        key = torch.cat([key, tokens.row, number, first])
        return PairReading(joint, joint, query=query, key=key, slot=joint.slot[key])


def is_near(places: Tensor, radius: float) -> Tensor:
    """Tell which places `N C` lie within a radius along every coordinate: `N N`."""
    return ((places[:, None] - places[None]).abs() <= radius).all(dim=-1)
