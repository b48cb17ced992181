"""Rows of tokens of different lengths, packed one below the other.

Linear layers, norms and feed-forward layers run on the packed tokens, so padding costs nothing.
Axes: `B` rows (observations), `N` slots of the longest row, `T` real tokens of all rows.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


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

    @cached_property
    def count(self) -> Tensor:
        """How many tokens each row has, `B`."""
        if self.parts is not None:
            return self.parts[0].count + self.parts[1].count
        return torch.bincount(self.row, minlength=self.n_rows)

    @cached_property
    def rank(self) -> Tensor:
        """How many tokens of its row come before each, `T`: its slot, had the row no holes."""
        if self.parts is not None:
            before, after = self.parts
            return torch.cat([before.rank, before.count[after.row] + after.rank])
        first = self.count.cumsum(0) - self.count
        return torch.arange(len(self.row), device=self.row.device) - first[self.row]

    @cached_property
    def place(self) -> Tensor:
        """Where each token stands in `B N`, flattened: `T`."""
        return self.row * self.n_slots + self.slot

    @cached_property
    def mask(self) -> Tensor:
        """True for real tokens, `B N`."""
        flags = torch.zeros(self.n_rows * self.n_slots, dtype=torch.bool, device=self.row.device)
        return flags.index_fill(0, self.place, True).view(self.n_rows, self.n_slots)

    @cached_property
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

    @cached_property
    def count(self) -> Tensor:
        """How many tokens each row has, `B`."""
        return self.row.new_full((self.n_rows,), self.n_slots)

    @cached_property
    def rank(self) -> Tensor:
        """How many tokens of its row come before each, `T`."""
        return self.slot


def layout_of(mask: Tensor, *, trim: bool = True) -> Layout:
    """Pack the real tokens of a mask, row by row.

    Args:
        mask: `B N`, True for real tokens.
        trim: Leave out the slots behind the last one that is real anywhere; one is left at least.
    """
    n_rows, n_slots = mask.shape
    row, slot = mask.nonzero(as_tuple=True)
    if trim:
        n_slots = int(slot.max()) + 1 if len(slot) else 1
    return Layout(row, slot, n_rows, n_slots)


def full_layout(n_rows: int, n_slots: int, device: torch.device) -> FullLayout:
    """Lay out rows of `n_slots` tokens each, all real."""
    place = torch.arange(n_rows * n_slots, device=device)
    return FullLayout(place // n_slots, place % n_slots, n_rows, n_slots)
