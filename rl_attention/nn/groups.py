"""Self-attention of sets of many tokens, rows of like length together.

What a row of `n` tokens costs grows with `n * n`, and a chunk costs what two of the longest row do.
Each group of rows is padded to the longest of its own. Axes: `T` packed tokens, `H` heads, `D` size
of a head.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rl_attention.nn.chunks import ChunkReading, _Take
from rl_attention.nn.lazy import lazy
from rl_attention.nn.ragged import Layout
from rl_attention.nn.reading import Core, DenseReading

GROWTH = 1.3
"""The longest row of a group has less than so many times the tokens of the shortest."""

SHORT = 16
"""Rows of at most so many tokens are one group."""


@dataclass(frozen=True, eq=False)
class GroupReading(ChunkReading):
    """Every token reads all tokens of its row; see the module. Who listens hears chunks."""

    @lazy
    def groups(self) -> list[tuple[Tensor, DenseReading]]:
        """The numbers of the tokens of each group, and how they read each other."""
        count, found, longest = self.keys.count, [], self.keys.longest
        while longest:
            below = int(longest / GROWTH) if longest > SHORT else 0
            chosen = (count > below) & (count <= longest)
            tokens = chosen[self.keys.row].nonzero()[:, 0]
            row = (chosen.cumsum(0) - 1)[self.keys.row[tokens]]
            layout = Layout(row, self.keys.rank[tokens], int(chosen.sum()), longest)
            found.append((tokens, DenseReading(layout, layout)))
            longest = int(count.masked_fill(count > below, 0).max())
        return found

    @lazy
    def order(self) -> Tensor:
        """The tokens, group by group, `T`."""
        return torch.cat([tokens for tokens, _ in self.groups])

    @lazy
    def back(self) -> Tensor:
        """Where each token stands in `order`, `T`."""
        return self.order.argsort()

    def attend(self, core: Core, query: Tensor | None, key: Tensor | None, value: Tensor) -> Tensor:
        """Read the values; see `Reading`."""
        if core.probe.heard or torch.compiler.is_compiling() or not len(value):
            return super().attend(core, query, key, value)
        nothing = [None] * len(self.groups)
        queries = nothing if query is None else self._parts(query)
        keys = nothing if key is None else self._parts(key)
        whole = zip(self.groups, queries, keys, self._parts(value), strict=True)
        found = [reading.attend(core, q, k, v) for (_, reading), q, k, v in whole]
        return self._taken(torch.cat(found), self.back)

    def _parts(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """Split tokens by group."""
        sizes = [len(numbers) for numbers, _ in self.groups]
        return torch.split(self._taken(tokens, self.order), sizes)

    def _taken(self, tokens: Tensor, order: Tensor) -> Tensor:
        taken: Tensor = _Take.apply(tokens, order)  # type: ignore[no-untyped-call]
        return taken
