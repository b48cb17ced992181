"""The view ``pixels``: the picture of MiniGrid's ``RGBImgPartialObsWrapper``, pixel for pixel."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.views.base import Encoded, RawBatch, ViewSettings
from rl_attention_envs.views.shared import TokenView
from rl_attention_envs.views.tiles import tile_atlas

TILE_SIZE = 8


class PixelsView(TokenView):
    """A picture of the agent's square. Key beside the shared ones: ``pixels`` `8V 8V 3`.

    Args:
        settings: The sizes of the environment.
    """

    def __init__(self, settings: ViewSettings) -> None:
        super().__init__(settings)
        side = settings.view_size * TILE_SIZE
        self.observation_space = spaces.Dict(
            {"pixels": spaces.Box(0, 255, (side, side, 3), np.uint8), **self._shared_spaces()}
        )

    def encode(self, raw: RawBatch) -> Encoded:
        """Show a batch.

        Args:
            raw: The batch.
        """
        pixels = tile_atlas(TILE_SIZE).draw(raw.image)
        return Encoded({"pixels": pixels, **self._shared(raw)}, None)

    def token_cells(self, observation: Any) -> NDArray[np.intp]:
        """Tell which cell of the view each token of an observation shows: a patch is a tile.

        Args:
            observation: What ``encode`` made of a batch.

        Returns:
            Indices into the flat view in picture order, -1 = padding, `B N`.
        """
        count = self.settings.view_size**2
        return np.tile(np.arange(count), (len(observation["pixels"]), 1))

    def empty_token(self) -> NDArray[np.uint8]:
        """Return the tile of an empty, seen cell, `8 8 3`; the agent's own cell has another."""
        return tile_atlas(TILE_SIZE).empty()
