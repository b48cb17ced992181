"""The view ``cells``: every cell in sight as symbols."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.recall.rules import State
from rl_attention_envs.recall.symbols import PADDING, SIDE, TYPES, label
from rl_attention_envs.recall.views.base import RecallView, cells_of
from rl_attention_envs.worlds.views import Arrays, TokenNames


class CellsView(RecallView):
    """The square in sight, row by row from far to near. Key: ``cells`` `V V 3`.

    A cell is (type, colour, state), all zero where it is empty.
    """

    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        high = np.tile(np.array(self.code_high, np.int8), (SIDE, SIDE, 1))
        return {"cells": spaces.Box(np.zeros_like(high), high, dtype=np.int8)}

    def encode(self, state: State) -> Arrays:
        """Show environments.

        Args:
            state: The environments.

        Returns:
            New arrays that share no memory with the state, with a leading axis `B`.
        """
        things = state.shown()
        cells = np.zeros((len(things), SIDE, SIDE, 3), np.int8)
        row, column = cells_of(things)
        # padding lies in the observer's cell, where there is never anything, and writes zeros
        cells[np.arange(len(things))[:, None], row, column] = things[..., :3]
        return {"cells": cells}

    def name_tokens(self, state: State) -> TokenNames:
        """Tell what the tokens show: one for each cell, row by row.

        Args:
            state: The environments.
        """
        cells = self.encode(state)["cells"].reshape(len(state.time), -1, 3)
        y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
        corners = np.stack([x, y, x + 1, y + 1], axis=1)
        labels = [
            label(*cell) if cell[0] != PADDING else "empty"
            for cell in cells.reshape(-1, 3).tolist()
        ]
        return TokenNames(
            boxes=np.broadcast_to(corners, (*cells.shape[:2], 4)).astype(np.int32),
            types=np.array(("empty", *TYPES[1:]), "<U16")[cells[..., 0]],
            labels=np.array(labels, "<U32").reshape(cells.shape[:2]),
        )

    def empty_token(self) -> NDArray[np.int8]:
        """Return type, colour and state of an empty cell, `3`."""
        return np.zeros(3, np.int8)
