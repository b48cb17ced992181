"""Self-attention of small sets of different sizes, several rows to a matrix.

Rows are laid end to end and cut into chunks of like size, which are multiplied as matrices; a mask
keeps each token to its own row. Rows of like length leave little padding, and no matrix is tiny.
Axes: `B` rows, `T` packed tokens, `G` chunks, `C` slots of a chunk, `H` heads, `D` size of a head,
`K` key slots of a row.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rl_attention.nn.lazy import lazy
from rl_attention.nn.reading import Core, Reading, read_pairs

LANE = 16
"""Slots of a chunk come in multiples of this, as numbers do in a vector of the processor."""


@dataclass(frozen=True, eq=False)
class ChunkReading(Reading):
    """Every token reads all tokens of its row; `queries` and `keys` are one layout.

    Args:
        lane: See `LANE`.
    """

    lane: int = LANE

    @property
    def n_slots(self) -> int:
        """`C`: room for two rows at least."""
        return self.lane * -(-2 * self.keys.longest // self.lane)

    @property
    def span(self) -> int:
        """Rows begin within the first so many slots of a chunk, so that the longest still fits."""
        return self.n_slots - self.keys.longest + 1

    @lazy
    def n_chunks(self) -> int:
        """`G`; the last may be empty."""
        n_tokens = len(self.keys.row)
        return n_tokens // self.span + 1 if n_tokens else 0

    @lazy
    def place(self) -> Tensor:
        """Where each token stands in `G C`, flattened: `T`."""
        begin = self.keys.count.cumsum(0) - self.keys.count
        chunk = begin // self.span
        return (begin + chunk * (self.n_slots - self.span))[self.keys.row] + self.keys.rank

    @lazy
    def table(self) -> Tensor:
        """Which token stands in each slot, `G*C`; 0 where none does."""
        table = self.place.new_zeros(self.n_chunks * self.n_slots)
        number = torch.arange(len(self.place), device=self.place.device)
        return table.index_copy(0, self.place, number)

    @lazy
    def together(self) -> Tensor:
        """True for slots of one row, `G 1 C C`; empty slots read each other, so that all read."""
        row = self.place.new_full((self.n_chunks * self.n_slots,), -1)
        row = row.index_copy(0, self.place, self.keys.row).view(self.n_chunks, self.n_slots)
        return (row[:, :, None] == row[:, None, :])[:, None]

    @property
    def mask(self) -> Tensor:
        """`together`."""
        return self.together

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values; see `Reading`."""
        if not torch.compiler.is_compiling() and not _is_finite(key, value):
            # a product with a weight of 0 would carry it to other rows of the chunk
            return read_pairs(self.queries, self.keys).attend(core, query, key, value)
        spread = self._spread(value)
        if query is None or key is None:
            size = (self.n_chunks, value.shape[1], self.n_slots, self.n_slots)
            scores = value.new_zeros(()).expand(size)
        else:
            query, key = core.prepare(query, key)
            scores = core.of_all(self._spread(query), self._spread(key))
        weights = core.weigh(scores, self)  # G H C C
        if core.probe.heard and len(self.keys.row):
            weights = self._heard_chunks(core, weights)
        found = (core.drop(weights) @ spread).transpose(1, 2).flatten(end_dim=1)
        packed: Tensor = _Take.apply(found, self.place)  # type: ignore[no-untyped-call]
        return packed

    def _spread(self, packed: Tensor) -> Tensor:
        """Map `T H D` to `G H C D`."""
        slots: Tensor = _Put.apply(packed, self.table, self.place)  # type: ignore[no-untyped-call]
        return slots.view(self.n_chunks, self.n_slots, *packed.shape[1:]).transpose(1, 2)

    def _heard_chunks(self, core: Core, weights: Tensor) -> Tensor:
        """Pass weights `G H C C` through the probe, in the form that it knows."""
        rows = weights.transpose(1, 2).flatten(end_dim=1)  # G*C H C
        # where the keys of each query's row stand in its chunk: T 1 K
        slot = (self.place % self.n_slots)[self.keys.table][self.keys.row][:, None]
        slot = slot.expand(-1, rows.shape[1], -1)
        hidden = ~self.allowed[:, None]
        full = rows.index_select(0, self.place).gather(2, slot).masked_fill(hidden, 0.0)
        full = self._heard(core, full).masked_fill(hidden, 0.0)
        heard = full.new_zeros(len(full), *rows.shape[1:]).scatter_add(2, slot, full)
        rows = rows.index_copy(0, self.place, heard)
        return rows.view(weights.transpose(1, 2).shape).transpose(1, 2)


def _is_finite(key: Tensor | None, value: Tensor) -> bool:
    """Tell whether keys and values are finite; sums that overflow count as not."""
    total = value.detach().sum() if key is None else value.detach().sum() + key.detach().sum()
    return bool(total.isfinite())


class _Put(torch.autograd.Function):
    """Lay tokens out in slots; back, each token takes what its own slot got.

    No slot but its own holds a token that counts, so nothing has to be summed.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(packed: Tensor, table: Tensor, place: Tensor) -> Tensor:
        return packed.index_select(0, table)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        _, table, place = inputs
        ctx.save_for_backward(place)
        ctx.save_for_forward(table)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        (table,) = ctx.saved_tensors
        moved: Tensor = tangents[0].index_select(0, table)
        return moved

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (place,) = ctx.saved_tensors
        return gradients[0].index_select(0, place), None, None


class _Take(torch.autograd.Function):
    """Take tokens out of their slots; back, each slot gets what its one token got."""

    generate_vmap_rule = True

    @staticmethod
    def forward(slots: Tensor, place: Tensor) -> Tensor:
        return slots.index_select(0, place)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        slots, place = inputs
        ctx.save_for_backward(place)
        ctx.save_for_forward(place)
        ctx.n_slots = len(slots)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        (place,) = ctx.saved_tensors
        moved: Tensor = tangents[0].index_select(0, place)
        return moved

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (place,) = ctx.saved_tensors
        nothing = gradients[0].new_zeros(ctx.n_slots, *gradients[0].shape[1:])
        return nothing.index_copy(0, place, gradients[0]), None
