"""The view ``cells``: every cell of the agent's square, seen or not."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.symbols import EMPTY, UNSEEN
from rl_attention_envs.views.base import Encoded, RawBatch, ViewSettings
from rl_attention_envs.views.shared import CELL_HIGH, TokenView, picture_order


class CellsView(TokenView):
    """Cells in picture order with the mask of those seen.

    Keys beside the shared ones: ``cells`` `V V 3` (row, column, (type, colour, state)) and ``mask``
    `V*V`, 1 where the cell is seen.

    Args:
        settings: The sizes of the environment.
    """

    def __init__(self, settings: ViewSettings) -> None:
        super().__init__(settings)
        size = settings.view_size
        high = np.broadcast_to(np.array(CELL_HIGH, np.int8), (size, size, 3))
        self.observation_space = spaces.Dict(
            {
                "cells": spaces.Box(np.zeros_like(high), high.copy(), dtype=np.int8),
                "mask": spaces.MultiBinary(size * size),
                **self._shared_spaces(),
            }
        )

    def encode(self, raw: RawBatch) -> Encoded:
        """Show a batch.

        Args:
            raw: The batch.
        """
        cells = picture_order(raw.image).astype(np.int8)
        seen = (cells[..., 0] != UNSEEN).reshape(len(cells), -1)
        observation = {"cells": cells, "mask": seen.astype(np.int8), **self._shared(raw)}
        return Encoded(observation, None)

    def token_cells(self, observation: Any) -> NDArray[np.intp]:
        """Tell which cell of the view each token of an observation shows.

        Args:
            observation: What ``encode`` made of a batch.

        Returns:
            Indices into the flat view in picture order, -1 = padding, `B N`.
        """
        mask: NDArray[np.int8] = observation["mask"]
        return np.where(mask == 1, np.arange(mask.shape[1]), -1)

    def empty_token(self) -> NDArray[np.int8]:
        """Return the codes of an empty cell, `3`."""
        return np.array([EMPTY, 0, 0], np.int8)
