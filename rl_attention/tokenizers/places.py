"""Where the tokens of a set are, and the vectors that say so.

Places are whole numbers counted from 0 wherever they can be, `T C`: tokens and coordinates.
"""

from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import POSITIONS
from rl_attention.tokenizers.tokens import unlike

DEFAULT_POSITION = {
    "cells": "learned",
    "pixels": "learned",
    "history": "learned",
    "frames": "learned",
}
"""The position code of a set whose tokens have a place; others have none."""

MAX_PLACES = 4096
"""A coordinate has at most this many places."""


def grid_places(*spans: int) -> Tensor:
    """List the places of a grid in reading order, `N C`."""
    axes = [torch.arange(span) for span in spans]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    return grid.flatten(end_dim=-2)


def make_position_code(
    position: str, spans: Sequence[int] | None, width: int, *, kind: str
) -> nn.Module | None:
    """Make the module that turns places into vectors, or None where tokens stay as they are.

    With relative positions, tokens that have a place of their own keep their learned vector: the
    read-out has to know where a thing is, which offsets between things do not tell.

    Args:
        position: `auto`, `none`, `learned`, `sinusoidal` or `relative`.
        spans: How many places there are along each coordinate; None: no whole places.
        width: Size `D` of a token.
        kind: Which set it is.

    Raises:
        UserError: The coordinates are no whole numbers, there are too many, or the width is too
            small for them.
    """
    if position in ("relative", "sinusoidal") and spans is None:
        raise UserError(
            f"position {position!r} needs whole coordinates with at most {MAX_PLACES} places each: "
            "declare place_columns in a Box of integers with true bounds, or choose none"
        )
    if position == "sinusoidal" and spans is not None and width < 2 * len(spans):
        raise UserError(
            f"position 'sinusoidal' needs a width of at least 2 for each of {len(spans)} "
            f"coordinates, got {width}: set width to {2 * len(spans)} or more"
        )
    if position in ("auto", "relative"):
        position = DEFAULT_POSITION.get(kind, "none")
    if position == "none" or spans is None:
        return None
    return POSITIONS[position](spans, width)


class ColumnPlaces(nn.Module):
    """Read the places of entities from columns of their rows.

    Args:
        space: The Box of the entities, `N F`.
        columns: Which columns hold coordinates.

    Raises:
        UserError: There is no such column.
    """

    low: Tensor
    last: Tensor

    def __init__(self, space: spaces.Box, columns: Sequence[int]) -> None:
        super().__init__()
        self.columns = list(columns)
        n_columns = space.shape[-1] if len(space.low) else 0
        strange = [c for c in self.columns if not 0 <= c < n_columns]
        if strange or not self.columns or len(set(self.columns)) != len(self.columns):
            raise UserError(
                f"place_columns must be different columns from 0 to {n_columns - 1}, got "
                f"{tuple(self.columns)}"
            )
        low = space.low[0, self.columns].astype(np.float64)
        count = space.high[0, self.columns].astype(np.float64) - low + 1
        whole = np.issubdtype(space.dtype, np.integer) and (count <= MAX_PLACES).all()
        self.spans = tuple(int(n) for n in count) if whole else None
        start = torch.tensor(low if whole else np.zeros_like(low), dtype=torch.float32)
        self.register_buffer("low", start, persistent=False)
        last = torch.tensor(count - 1, dtype=torch.float32)
        self.register_buffer("last", last, persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows `T F` to places `T C`.

        Raises:
            UserError: A whole coordinate lies outside its bounds, or is no whole number.
        """
        places = rows[:, self.columns] - self.low
        if self.spans is None:
            return places
        # a place outside would read what was learned of another one
        inside = places.round().clamp(min=0).minimum(self.last)
        if unlike(inside, places):
            raise UserError(
                "observation key 'entities' holds a coordinate outside the bounds that its space "
                "declares; declare true bounds, and keep VecNormalize away from it"
            )
        return inside
