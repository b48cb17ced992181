"""Rows of tokens of different lengths, packed one below the other.

Linear layers, norms and feed-forward layers run on the packed tokens, so padding costs nothing.
While torch exports the network, no shape may depend on what the tensors hold: every slot is then
listed and computed, and nobody reads what stands in the padding (`PaddedLayout`).

Axes: `B` rows (observations), `N` slots of the longest row, `T` real tokens of all rows, or `B*N`
slots in a `PaddedLayout`.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from rl_attention.nn.lazy import lazy


@dataclass(frozen=True, eq=False)
class Layout:
    """Where packed tokens stand.

    Args:
        row: Which row each token belongs to, `T`.
        slot: Where it stands in that row, `T`.
        n_rows: `B`.
        n_slots: `N`.
        parts: The two layouts that this one joins; None: the tokens lie row by row.
    """

    row: Tensor
    slot: Tensor
    n_rows: int
    n_slots: int
    parts: "tuple[Layout, Layout] | None" = None

    @lazy
    def count(self) -> Tensor:
        """How many tokens each row has, `B`."""
        if self.parts is not None:
            return self.parts[0].count + self.parts[1].count
        return torch.bincount(self.row, minlength=self.n_rows)

    @lazy
    def longest(self) -> int:
        """How many tokens the longest row has, or how many slots where counting costs a split."""
        if torch.compiler.is_compiling() or not self.n_rows:
            return self.n_slots
        return int(self.count.max())

    @lazy
    def rank(self) -> Tensor:
        """How many tokens of its row come before each, `T`: its slot, had the row no holes."""
        if self.parts is not None:
            before, after = self.parts
            return torch.cat([before.rank, before.count[after.row] + after.rank])
        first = self.count.cumsum(0) - self.count
        return torch.arange(len(self.row), device=self.row.device) - first[self.row]

    @lazy
    def place(self) -> Tensor:
        """Where each token stands in `B N`, flattened: `T`."""
        return self.row * self.n_slots + self.slot

    @lazy
    def mask(self) -> Tensor:
        """True for real tokens, `B N`."""
        flags = torch.zeros(self.n_rows * self.n_slots, dtype=torch.bool, device=self.row.device)
        return flags.index_fill(0, self.place, True).view(self.n_rows, self.n_slots)

    @lazy
    def table(self) -> Tensor:
        """Which packed token stands in each slot, `B N`; 0 where none does."""
        table = self.place.new_zeros(self.n_rows * self.n_slots)
        number = torch.arange(len(self.place), device=self.row.device)
        return table.index_copy(0, self.place, number).view(self.n_rows, self.n_slots)

    def pad(self, packed: Tensor, value: float = 0.0) -> Tensor:
        """Map `T ...` to `B N ...`, with `value` where no token is."""
        size = (self.n_rows * self.n_slots, *packed.shape[1:])
        padded = packed.new_full(size, value).index_copy(0, self.place, packed)
        return padded.view(self.n_rows, self.n_slots, *packed.shape[1:])

    def pack(self, padded: Tensor) -> Tensor:
        """Map `B N ...` to `T ...`; there may be more slots than the layout has."""
        place = self.row * padded.shape[1] + self.slot
        return padded.flatten(end_dim=1).index_select(0, place)

    def then(self, other: "Layout") -> "Layout":
        """Append the tokens of another layout to each row.

        The packed tokens of the two lie one after the other, these first.
        """
        row = torch.cat([self.row, other.row])
        slot = torch.cat([self.slot, other.slot + self.n_slots])
        return Layout(row, slot, self.n_rows, self.n_slots + other.n_slots, (self, other))


@dataclass(frozen=True, eq=False)
class FullLayout(Layout):
    """Rows of as many tokens each, so that nothing has to be counted."""

    @lazy
    def count(self) -> Tensor:
        """How many tokens each row has, `B`."""
        return self.row.new_full((self.n_rows,), self.n_slots)

    @lazy
    def longest(self) -> int:
        """How many tokens each row has."""
        return self.n_slots

    @lazy
    def rank(self) -> Tensor:
        """How many tokens of its row come before each, `T`."""
        return self.slot


@dataclass(frozen=True, eq=False)
class PaddedLayout(Layout):
    """Every slot of every row, row by row, so that no shape depends on what the tensors hold.

    Only `DenseReading` reads it. What is computed in the padding means nothing.

    Args:
        real: True for real tokens, `B N`; None: all are.
    """

    real: Tensor | None = field(default=None, kw_only=True)

    @lazy
    def mask(self) -> Tensor:
        """True for real tokens, `B N`."""
        if self.real is not None:
            return self.real
        return self.row.new_ones(self.n_rows, self.n_slots, dtype=torch.bool)

    @lazy
    def count(self) -> Tensor:
        """How many real tokens each row has, `B`."""
        return self.mask.sum(dim=1)

    def pad(self, packed: Tensor, value: float = 0.0) -> Tensor:
        """Map `B*N ...` to `B N ...`, with `value` where no token is."""
        if self.parts is not None:
            before, after = self.parts
            cut = before.n_rows * before.n_slots
            return torch.cat([before.pad(packed[:cut], value), after.pad(packed[cut:], value)], 1)
        return self._cleaned(packed.reshape(-1, self.n_slots, *packed.shape[1:]), value)

    def pack(self, padded: Tensor) -> Tensor:
        """Map `B N ...` to `B*N ...`, with 0 where no token is, whatever stood there."""
        if self.parts is not None:
            before, after = self.parts
            cut = before.n_slots
            return torch.cat([before.pack(padded[:, :cut]), after.pack(padded[:, cut:])])
        return self._cleaned(padded, 0.0).flatten(end_dim=1)

    def then(self, other: Layout) -> Layout:
        """Append the tokens of another layout to each row; see `Layout`."""
        joint = super().then(other)
        real = torch.cat([self.mask, other.mask], dim=1)
        return PaddedLayout(
            joint.row, joint.slot, joint.n_rows, joint.n_slots, joint.parts, real=real
        )

    def _cleaned(self, padded: Tensor, value: float) -> Tensor:
        """Put a value into the padding of `B N ...`."""
        if self.real is None:
            return padded
        axes = [1] * (padded.dim() - 2)
        return padded.masked_fill(~self.real.view(*self.real.shape, *axes), value)


def layout_of(mask: Tensor, *, trim: bool = True) -> Layout:
    """Pack the real tokens of a mask, row by row; while torch exports, keep the padding too.

    Args:
        mask: `B N`, True for real tokens.
        trim: Leave out the slots behind the last one that is real anywhere; one is left at least.
    """
    n_rows, n_slots = mask.shape
    if torch.compiler.is_exporting():
        every = full_layout(n_rows, n_slots, mask.device)
        return PaddedLayout(every.row, every.slot, n_rows, n_slots, real=mask)
    row, slot = mask.nonzero(as_tuple=True)
    if trim:
        n_slots = int(slot.max()) + 1 if len(slot) else 1
    return Layout(row, slot, n_rows, n_slots)


def full_layout(n_rows: int, n_slots: int, device: torch.device) -> Layout:
    """Lay out rows of `n_slots` tokens each, all real."""
    kind = PaddedLayout if torch.compiler.is_exporting() else FullLayout
    place = torch.arange(n_rows * n_slots, device=device)
    return kind(place // n_slots, place % n_slots, n_rows, n_slots)
