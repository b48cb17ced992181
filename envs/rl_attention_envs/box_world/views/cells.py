"""The view ``cells``: every cell of the room as symbols."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.box_world.rules import State
from rl_attention_envs.box_world.symbols import (
    AGENT,
    CELL_KINDS,
    COLOURS,
    FLOOR,
    GEM,
    GEM_CELL,
    KEY_CELL,
    LOCK_CELL,
)
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.worlds.views import Arrays, TokenNames


class CellsView(BoxWorldView):
    """The room without its wall. Own key: ``cells`` `H W 2` (kind, colour; 0: no colour).

    A key in a box is told from a loose one by the lock to its right alone, as in the paper.
    """

    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        size = self.params.size
        high = np.array([len(CELL_KINDS) - 1, self.params.n_colours], np.int8)
        high = np.tile(high, (size, size, 1))
        return {"cells": spaces.Box(np.zeros_like(high), high, dtype=np.int8)}

    def _own_arrays(self, state: State) -> Arrays:
        batch, width = len(state.agent), self.params.size + 2
        cells = np.zeros((batch, width * width, 2), np.int8)
        gem = state.things == GEM
        key = (state.things > 0) & ~gem
        kinds = KEY_CELL * key + LOCK_CELL * (state.locks > 0) + GEM_CELL * gem
        cells[..., 0] = kinds
        cells[..., 1] = state.locks + state.things * ~gem
        cells[np.arange(batch), state.agent, 0] = AGENT
        room = cells.reshape(batch, width, width, 2)[:, 1:-1, 1:-1]
        return {"cells": np.ascontiguousarray(room)}

    def name_tokens(self, state: State) -> TokenNames:
        """Tell what the tokens show: one for each cell, row by row.

        Args:
            state: The environments.
        """
        cells = self._own_arrays(state)["cells"]
        flat = cells.reshape(len(cells), -1, 2)
        return name_cells(flat, self.params.size, first=1)

    def empty_token(self) -> NDArray[np.int8]:
        """Return kind and colour of the bare floor, `2`."""
        return np.array([FLOOR, 0], np.int8)


def name_cells(cells: NDArray[np.int8], side: int, *, first: int) -> TokenNames:
    """Name the cells of a square, row by row.

    Args:
        cells: (kind, colour) of each, `B N 2`.
        side: Cells of its side.
        first: Where it begins in the picture, in both directions.
    """
    y, x = np.divmod(np.arange(cells.shape[1]), side)
    corners = np.stack([x, y, x + 1, y + 1], axis=1) + first
    names = [CELL_KINDS[kind] for kind in cells[..., 0].reshape(-1)]
    colours = [f"{COLOURS[colour - 1]} " if colour else "" for colour in cells[..., 1].reshape(-1)]
    shape = cells.shape[:2]
    return TokenNames(
        boxes=np.broadcast_to(corners, (*shape, 4)).astype(np.int32),
        types=np.array(names, "<U16").reshape(shape),
        labels=np.array([c + n for c, n in zip(colours, names, strict=True)], "<U32").reshape(
            shape
        ),
    )
