"""Symbols to vectors: one table a column, summed."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST_PRODUCT = 256
"""A table of at most so many vectors is multiplied by zeros and ones.

That is faster than to look vectors up, and much faster to go back through: the gradient of a lookup
adds token by token."""


class ColumnEmbedding(nn.Module):
    """Sum of one learned vector a categorical column.

    The tables of all columns lie in one parameter, one below the other. Vectors start normal with a
    variance of one over the number of columns, so that their sum has a variance of one.

    Args:
        sizes: Number of symbols of each column.
        width: Size `D` of the vectors.
    """

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(sum(sizes), width) / len(sizes) ** 0.5)
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)

    def forward(self, symbols: Tensor) -> Tensor:
        """Map integers `... C`, each counted from 0 in its column, to `... D`."""
        rows = symbols + self.offsets
        if len(self.table) > LARGEST_PRODUCT:
            return F.embedding(rows, self.table).sum(dim=-2)
        ones = self.table.new_zeros(*rows.shape[:-1], len(self.table))
        return ones.scatter_(-1, rows, 1.0) @ self.table
