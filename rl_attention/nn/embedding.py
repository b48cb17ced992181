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


class GridPositions(nn.Module):
    """A learned vector for each row plus one for each column.

    Args:
        rows: Rows of the grid.
        columns: Columns of the grid.
        width: Size `D` of a token.
    """

    def __init__(self, rows: int, columns: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(rows, 1, width) / 2**0.5)
        self.columns = nn.Parameter(torch.randn(1, columns, width) / 2**0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Add its place to each token of `B R*C D`, row by row."""
        return tokens + (self.rows + self.columns).flatten(end_dim=1)


class SequencePositions(nn.Module):
    """A learned vector for each place in a sequence.

    Args:
        length: Longest sequence.
        width: Size `D` of a token.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(length, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Add its place to each token of `B W D`, `W` at most the longest sequence."""
        return tokens + self.places[: tokens.shape[1]]
