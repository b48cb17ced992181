"""Three ways to compute the same attention, each the fastest for some shape of queries and keys.

`PairReading` lists every pair of a query and a key that it may read: for small sets of different
sizes, and for sparse scopes. `DenseReading` pads and multiplies matrices: for sets that fill their
slots. `SharedReading` compares all queries with all keys at once: for a few rows of keys that many
rows of queries share. A reading is built once a forward pass and serves every layer between the
same tokens.

Axes: `B` rows, `Q` query slots, `K` key slots, `T` packed tokens, `P` pairs, `H` heads, `D` size of
a head.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from rl_attention.nn.lazy import lazy
from rl_attention.nn.probe import Probe
from rl_attention.nn.ragged import Layout, PaddedLayout, full_layout
from rl_attention.nn.weights import block

SHARED_KEYS = 64
"""Up to so many keys of all rows together, comparing all queries with all of them is cheapest."""


class Core(Protocol):
    """What a reading needs of the attention that it computes for."""

    probe: Probe

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys before they are compared."""
        ...

    def of_pairs(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `P H D` against `P H D`: `P H`."""
        ...

    def of_all(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `B H Q D` against `B H K D`: `B H Q K`."""
        ...

    def weigh(self, scores: Tensor, reading: "Reading") -> Tensor:
        """Turn scores into weights along the last axis."""
        ...

    def weigh_pairs(self, scores: Tensor, pairs: "PairReading") -> Tensor:
        """Turn the scores of listed pairs, `P H`, into weights."""
        ...

    def drop(self, weights: Tensor) -> Tensor:
        """Apply dropout."""
        ...


@dataclass(frozen=True, eq=False)
class Reading:
    """Which queries read which keys.

    Args:
        queries: Where the queries stand.
        keys: Where the keys stand.
        rows: Which row of keys each row of queries reads, `B`; None: the same.
    """

    queries: Layout
    keys: Layout
    rows: Tensor | None = None

    @lazy
    def key_mask(self) -> Tensor:
        """True for the real keys of each row of queries, `B K`."""
        return self.keys.mask if self.rows is None else self.keys.mask[self.rows]

    @lazy
    def allowed(self) -> Tensor:
        """True where a query may read a key, `Tq K`."""
        return self.key_mask[self.queries.row]

    @lazy
    def unread(self) -> Tensor | None:
        """True for queries that may read no key, `Tq`; None: there is none."""
        return None if self.queries is self.keys else ~self.allowed.any(dim=1)

    @property
    def mask(self) -> Tensor:
        """True where a key may be read, in a form that fits the scores that are weighed."""
        raise NotImplementedError

    def blocked(self, dtype: torch.dtype) -> Tensor:
        """Give what to add to scores of a type; see `rl_attention.nn.weights.block`."""
        if dtype not in self._blocked:
            self._blocked[dtype] = block(self.mask, dtype)
        return self._blocked[dtype]

    @lazy
    def _blocked(self) -> dict[torch.dtype, Tensor]:
        return {}

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values.

        Args:
            core: The attention.
            query: `Tq H D`; None for uniform weights.
            key: `Tk H D`; None likewise.
            value: `Tk H D`.

        Returns:
            What each query read, `Tq H D`; zeros where it may read no key.
        """
        raise NotImplementedError

    def _heard(self, core: Core, weights: Tensor) -> Tensor:
        """Pass weights `Tq H K` through the probe, in the form `B H Q K` that it knows."""
        if not core.probe.heard:
            return weights
        full = self.queries.pad(weights).transpose(1, 2)
        full = core.probe(full, self.queries.mask, self.key_mask)
        return self.queries.pack(full.transpose(1, 2))


@dataclass(frozen=True, eq=False)
class PairReading(Reading):
    """A list of pairs; see the module.

    Args:
        query: The query of each pair, `P`.
        key: Its key, `P`.
        slot: The slot of the key in its row, `P`.
        bias: Added to the scores, `P H`; None: nothing.
    """

    query: Tensor = field(kw_only=True)
    key: Tensor = field(kw_only=True)
    slot: Tensor = field(kw_only=True)
    bias: Tensor | None = None

    @lazy
    def unread(self) -> Tensor | None:
        """True for queries that may read no key, `Tq`; None: there is none."""
        if self.queries is self.keys:
            return None
        return torch.bincount(self.query, minlength=len(self.queries.row)) == 0

    @lazy
    def rank(self) -> Tensor:
        """How many pairs of the same query come before each, `P`."""
        order = self.query.argsort(stable=True)
        count = torch.bincount(self.query, minlength=len(self.queries.row))
        first = count.cumsum(0) - count
        ranks = torch.arange(len(order), device=order.device) - first[self.query[order]]
        return torch.empty_like(ranks).index_copy(0, order, ranks)

    @lazy
    def width(self) -> int:
        """The largest number of pairs of one query; at least 1."""
        return int(self.rank.max()) + 1 if len(self.rank) else 1

    @lazy
    def filled(self) -> Tensor:
        """True where a query has a pair of a rank, `Tq width`."""
        flags = torch.zeros(
            len(self.queries.row) * self.width, dtype=torch.bool, device=self.query.device
        )
        flags = flags.index_fill(0, self.query * self.width + self.rank, True)
        return flags.view(len(self.queries.row), self.width)

    def as_rows(self, pairs: Tensor) -> Tensor:
        """Map `P H` to `Tq H width`, zeros where there is no pair."""
        n_queries, n_heads = len(self.queries.row), pairs.shape[1]
        rows = pairs.new_zeros(n_queries * self.width, n_heads)
        rows = rows.index_copy(0, self.query * self.width + self.rank, pairs)
        return rows.view(n_queries, self.width, n_heads).transpose(1, 2)

    def of_rows(self, rows: Tensor) -> Tensor:
        """Map `Tq H width` to `P H`."""
        flat = rows.transpose(1, 2).flatten(end_dim=1)
        return flat.index_select(0, self.query * self.width + self.rank)

    def among(self, chosen: Tensor) -> "PairReading":
        """Keep some pairs, by their numbers."""
        query, key, slot = self.query[chosen], self.key[chosen], self.slot[chosen]
        return replace(self, query=query, key=key, slot=slot)

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values; see `Reading`."""
        if query is None or key is None:
            scores = value.new_zeros(()).expand(len(self.query), value.shape[1])
        else:
            query, key = core.prepare(query, key)
            scores = core.of_pairs(query.index_select(0, self.query), self._read(key))
            scores = scores if self.bias is None else scores + self.bias
        weights = core.drop(self._heard_pairs(core, core.weigh_pairs(scores, self)))  # P H
        parts = (weights[..., None] * self._read(value)).flatten(start_dim=1)
        found = parts.new_zeros(len(self.queries.row), parts.shape[1])
        return found.index_add(0, self.query, parts).view(len(found), *value.shape[1:])

    def _read(self, keys: Tensor) -> Tensor:
        """Map keys `Tk H D` to those of the pairs, `P H D`."""
        return keys.index_select(0, self.key)

    def _heard_pairs(self, core: Core, weights: Tensor) -> Tensor:
        """Pass weights `P H` through the probe, in the form that it knows."""
        if not core.probe.heard:
            return weights
        n_queries, n_heads, n_slots = len(self.queries.row), weights.shape[1], self.keys.n_slots
        place = self.query * n_slots + self.slot
        full = weights.new_zeros(n_queries * n_slots, n_heads).index_copy(0, place, weights)
        full = self._heard(core, full.view(n_queries, n_slots, n_heads).transpose(1, 2))
        return full.transpose(1, 2).flatten(end_dim=1).index_select(0, place)


@dataclass(frozen=True, eq=False)
class SetReading(PairReading):
    """One query for each row: the pairs are the keys, one by one."""

    @lazy
    def unread(self) -> Tensor:
        """True for rows without any key, `B`."""
        return self.keys.count == 0

    def _read(self, keys: Tensor) -> Tensor:
        return keys


@dataclass(frozen=True, eq=False)
class DenseReading(Reading):
    """Padded matrices; see the module.

    Args:
        near: `B Q K`, True where a query may read a key; `B` may be 1. None: everywhere.
        bias: `B H Q K`, added to the scores; `B` may be 1. None: nothing.
    """

    near: Tensor | None = None
    bias: Tensor | None = None

    @lazy
    def mask(self) -> Tensor:
        """True where a key may be read, `B 1 1 K`, or `B 1 Q K` where `near` is given."""
        allowed = self.key_mask[:, None, None, :]
        return allowed if self.near is None else allowed & self.near[:, None]

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values; see `Reading`."""
        if query is None or key is None:
            size = (self.queries.n_rows, value.shape[1], self.queries.n_slots, self.keys.n_slots)
            scores = value.new_zeros(()).expand(size)
        else:
            query, key = core.prepare(query, key)
            scores = core.of_all(self.queries.pad(query).transpose(1, 2), self._spread(key))
            scores = scores if self.bias is None else scores + self.bias
        weights = core.weigh(scores, self)
        if core.probe.heard:
            weights = weights.masked_fill(~self.mask, 0.0)
            weights = core.probe(weights, self.queries.mask, self.key_mask)
        mixed = core.drop(weights) @ self._spread(value)  # B H Q D
        return self.queries.pack(mixed.transpose(1, 2))

    def _spread(self, packed: Tensor) -> Tensor:
        """Map keys `Tk H D` to `B H K D`."""
        padded = self.keys.pad(packed)
        return (padded if self.rows is None else padded[self.rows]).transpose(1, 2)


@dataclass(frozen=True, eq=False)
class SharedReading(Reading):
    """All queries against all keys, packed; see the module. `rows` must be given."""

    @lazy
    def row(self) -> Tensor:
        """Which row of keys each query reads, `Tq`."""
        assert self.rows is not None
        return self.rows.index_select(0, self.queries.row)

    @lazy
    def mask(self) -> Tensor:
        """True where a key lies in the row that a query reads, `Tq Tk`, or `1 Tk` where all do."""
        if self.keys.n_rows == 1:
            return self.keys.row.new_ones((1, len(self.keys.row)), dtype=torch.bool)
        return self.row[:, None] == self.keys.row

    @lazy
    def unread(self) -> Tensor | None:
        """True for queries that may read no key, `Tq`; None: there is none."""
        if self.keys.n_rows == 1 and len(self.keys.row):
            return None
        return (self.keys.count == 0)[self.row]

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values; see `Reading`."""
        if query is None or key is None:
            size = (value.shape[1], len(self.queries.row), len(self.keys.row))
            scores = value.new_zeros(()).expand(size)
        else:
            query, key = core.prepare(query, key)
            scores = core.of_all(query.transpose(0, 1)[None], key.transpose(0, 1)[None])[0]
        weights = core.weigh(scores, self)  # H Tq Tk
        if core.probe.heard:
            weights = self._heard_all(core, weights)
        return (core.drop(weights) @ value.transpose(0, 1)).transpose(0, 1)

    def _heard_all(self, core: Core, weights: Tensor) -> Tensor:
        """Pass weights `H Tq Tk` through the probe, in the form that it knows."""
        place = self.keys.table.index_select(0, self.row)[:, None]  # Tq 1 K
        place = place.expand(-1, len(weights), -1)
        full = weights.transpose(0, 1).gather(2, place).masked_fill(~self.allowed[:, None], 0.0)
        full = self._heard(core, full).masked_fill(~self.allowed[:, None], 0.0)
        nothing = full.new_zeros(full.shape[0], full.shape[1], weights.shape[2])
        return nothing.scatter_add(2, place, full).transpose(0, 1)


def read_pairs(queries: Layout, keys: Layout, rows: Tensor | None = None) -> PairReading:
    """List all pairs of a query and a real key of its row.

    Args:
        queries: Where the queries stand.
        keys: Where the keys stand.
        rows: Which row of keys each row of queries reads; None: the same.
    """
    row = queries.row if rows is None else rows[queries.row]
    query, slot = keys.mask[row].nonzero(as_tuple=True)
    key = keys.table[row[query], slot]
    return PairReading(queries, keys, rows, query=query, key=key, slot=slot)


def read_set(keys: Layout) -> Reading:
    """Let one query for each row read all keys of that row."""
    queries = full_layout(keys.n_rows, 1, keys.row.device)
    if isinstance(keys, PaddedLayout):
        return DenseReading(queries, keys)
    number = torch.arange(len(keys.row), device=keys.row.device)
    return SetReading(queries, keys, query=keys.row, key=number, slot=keys.slot)


def read_shared(queries: Layout, keys: Layout, rows: Tensor) -> Reading:
    """Let many rows of queries read a few rows of keys."""
    if isinstance(keys, PaddedLayout):
        return DenseReading(queries, keys, rows)
    if 0 < len(keys.row) <= SHARED_KEYS:
        return SharedReading(queries, keys, rows)
    return read_pairs(queries, keys, rows)
