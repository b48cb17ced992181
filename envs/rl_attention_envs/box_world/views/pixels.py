"""The view ``pixels``: the picture of the paper, 8 pixels a cell."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.box_world.picture import draw, floor_tile
from rl_attention_envs.box_world.rules import State
from rl_attention_envs.box_world.symbols import thing_name
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.box_world.views.cells import CellsView, name_cells
from rl_attention_envs.worlds.views import Arrays, TokenNames

TILE_SIZE = 8


class PixelsView(BoxWorldView):
    """The room with its wall. Own key: ``pixels`` `8(size+2) 8(size+2) 3`; a token is a tile."""

    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        side = TILE_SIZE * (self.params.size + 2)
        return {"pixels": spaces.Box(0, 255, (side, side, 3), np.uint8)}

    def _own_arrays(self, state: State) -> Arrays:
        return {"pixels": draw(state, self.params.size, TILE_SIZE)}

    def name_tokens(self, state: State) -> TokenNames:
        """Tell what the tokens show: one for each tile, row by row.

        Args:
            state: The environments.
        """
        room = CellsView(self.params, self.max_entities).encode(state)["cells"]
        side = self.params.size + 2
        cells = np.pad(room, ((0, 0), (1, 1), (1, 1), (0, 0)))
        names = name_cells(cells.reshape(len(room), -1, 2), side, first=0)
        inside = np.pad(np.ones((side - 2, side - 2), bool), 1).reshape(-1)
        names.types[:, ~inside], names.labels[:, ~inside] = "wall", "wall"
        for row in np.flatnonzero(state.held):
            names.types[row, 0] = "held key"
            names.labels[row, 0] = f"held {thing_name(int(state.held[row]))}"
        return names

    def empty_token(self) -> NDArray[np.uint8]:
        """Return the tile of the bare floor, `8 8 3`."""
        return floor_tile(TILE_SIZE)
