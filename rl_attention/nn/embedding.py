"""Symbols to vectors: one table a column, summed."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
        return F.embedding(symbols + self.offsets, self.table).sum(dim=-2)
