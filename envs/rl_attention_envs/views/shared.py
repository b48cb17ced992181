"""The keys that every view for tokens has: where it looks, what it carries, what it is told."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.missions import MissionCoder
from rl_attention_envs.symbols import COLOURS, DOOR_STATES, OBJECTS
from rl_attention_envs.views.base import RawBatch, View, ViewSettings
from rl_attention_envs.vocabulary import PADDING, VOCABULARY, tokenise

CELL_HIGH = (len(OBJECTS) - 1, len(COLOURS) - 1, len(DOOR_STATES) - 1)
"""Largest type, colour and state: the true bounds of a cell."""


class TokenView(View):
    """A view with the keys ``direction``, ``carrying``, ``mission`` and ``mission_mask``.

    Args:
        settings: The sizes of the environment.
    """

    def __init__(self, settings: ViewSettings) -> None:
        super().__init__(settings)
        words = settings.words
        self.mission_coder = MissionCoder(
            lambda mission: np.array(tokenise(mission, words), np.int16),
            width=words,
            dtype=np.int16,
        )

    def _shared_spaces(self) -> dict[str, spaces.Space[Any]]:
        words = self.settings.words
        return {
            "direction": spaces.Discrete(4),
            "carrying": spaces.MultiDiscrete([len(OBJECTS), len(COLOURS)]),
            "mission": spaces.Box(0, len(VOCABULARY) - 1, (words,), np.int16),
            "mission_mask": spaces.MultiBinary(words),
        }

    def _shared(self, raw: RawBatch) -> dict[str, NDArray[Any]]:
        view_size = self.settings.view_size
        return {
            "direction": raw.direction.astype(np.int64),
            # the agent's own cell, bottom row and middle column, shows what it carries
            "carrying": raw.image[:, view_size // 2, view_size - 1, :2].astype(np.int64),
            "mission": raw.missions.copy(),
            "mission_mask": (raw.missions != PADDING).astype(np.int8),
        }


def picture_order(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Swap MiniGrid's column and row axes, so that the view lies as it is drawn.

    Args:
        image: Cells, `B column row 3`.

    Returns:
        A contiguous copy, `B row column 3`; row 0 is the farthest from the agent.
    """
    return np.ascontiguousarray(image.transpose(0, 2, 1, 3))
