"""One row of a Box to one vector: symbols through tables, numbers through a linear layer."""

from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import ColumnEmbedding, Linear
from rl_attention.tokenizers.tokens import unlike

Floats = NDArray[np.float32]

MAX_SYMBOLS = 256
"""An integer column of a set with more values than this is taken as a number."""

MAX_IDS = 65536
"""A column that is said to hold ids has at most this many values."""

LARGEST_BOUND = 1e6
"""A bound beyond this is taken as no bound."""


class ColumnEncoder(nn.Module):
    """Encode the columns (last axis) of a Box, as its bounds say.

    A column of an integer Box with at most `max_symbols` values is categorical, and so is one that
    is said to be. Any other column is a number, scaled to -1..1 where it has finite bounds.

    Args:
        space: A Box of shape `... C` whose bounds depend on the column alone.
        width: Size `D` of the vectors.
        name: Key of the space, for messages.
        max_symbols: An integer column with more values than this is taken as a number.
        categorical: Columns that hold ids, whatever the type of the Box.

    Raises:
        UserError: The bounds of a column differ from row to row, or those of a column of ids are no
            whole numbers close enough to each other.
    """

    low: Tensor
    last: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        space: spaces.Box,
        width: int,
        *,
        name: str,
        max_symbols: int = MAX_SYMBOLS,
        categorical: Sequence[int] = (),
    ) -> None:
        super().__init__()
        low, high = _column_bounds(space, name)
        count = high - low + 1
        integer = np.issubdtype(space.dtype, np.integer)
        symbolic = (count <= max_symbols) if integer else np.zeros(len(count), dtype=bool)
        for column in categorical:
            _check_ids(low[column], high[column], f"column {column} of {name!r}")
            symbolic[column] = True
        self.name = name
        self.symbols = np.flatnonzero(symbolic).tolist()
        self.numbers = np.flatnonzero(~symbolic).tolist()
        if self.symbols:
            self.embedding = ColumnEmbedding([int(count[c]) for c in self.symbols], width)
        if self.numbers:
            self.linear = Linear(len(self.numbers), width)
        centre, scale = centre_and_scale(low[self.numbers], high[self.numbers])
        first = torch.tensor(low[self.symbols], dtype=torch.float32)
        last = torch.tensor(count[self.symbols] - 1, dtype=torch.long)
        self.register_buffer("low", first, persistent=False)
        self.register_buffer("last", last, persistent=False)
        self.register_buffer("centre", torch.tensor(centre), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Encode `... C` to `... D`.

        Raises:
            UserError: A symbol lies outside the bounds that the space declares, or is no whole
                number.
        """
        parts = []
        if self.symbols:
            ids = rows if not self.numbers else rows[..., self.symbols]
            parts.append(self.embedding(self._checked(ids - self.low)))
        if self.numbers:
            values = rows if not self.symbols else rows[..., self.numbers]
            parts.append(self.linear((values - self.centre) * self.scale))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _checked(self, ids: Tensor) -> Tensor:
        # a symbol beyond its own column would silently read the vectors of the next one
        symbols = ids.long().clamp(min=0).minimum(self.last)
        if unlike(symbols.to(ids.dtype), ids):
            raise UserError(
                f"observation key {self.name!r} holds a symbol outside the bounds that its space "
                "declares; declare true bounds, keep VecNormalize away from symbols, and behind "
                "VecFrameStack set n_stack"
            )
        return symbols


def _column_bounds(space: spaces.Box, name: str) -> tuple[np.ndarray, np.ndarray]:
    low = space.low.reshape(-1, space.shape[-1]).astype(np.float64)
    high = space.high.reshape(-1, space.shape[-1]).astype(np.float64)
    if (low != low[0]).any() or (high != high[0]).any():
        raise UserError(
            f"the bounds of observation key {name!r} differ from row to row; declare the same "
            "bounds for a column in every row"
        )
    return low[0], high[0]


def _check_ids(low: float, high: float, what: str) -> None:
    whole = np.isfinite([low, high]).all() and low == np.floor(low) and high == np.floor(high)
    if not whole or high - low >= MAX_IDS:
        raise UserError(
            f"categorical_columns: expected whole bounds of the ids in {what}, at most {MAX_IDS} "
            f"values, got {low:g} to {high:g}: declare the lowest and the highest id as bounds"
        )


def centre_and_scale(low: np.ndarray, high: np.ndarray) -> tuple[Floats, Floats]:
    """Give what to subtract and to multiply by, so that bounded numbers lie in -1..1.

    Args:
        low: Lowest values, `C`.
        high: Highest values, `C`.
    """
    bounded = (np.abs(low) < LARGEST_BOUND) & (np.abs(high) < LARGEST_BOUND) & (high > low)
    low, high = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
    centre, scale = (low + high) / 2, 2.0 / (high - low)
    return centre.astype(np.float32), scale.astype(np.float32)
