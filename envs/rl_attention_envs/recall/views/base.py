"""What a view of Recall is."""

from abc import abstractmethod
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.rules import State
from rl_attention_envs.recall.symbols import N_STATES, SIDE, TYPES
from rl_attention_envs.worlds.views import WorldView


class RecallView(WorldView[State]):
    """One way to show Recall.

    Args:
        params: The parameters of the episodes.
        max_entities: Rows of the view ``entities``.
    """

    def __init__(self, params: RecallParams, max_entities: int) -> None:
        self.params = params
        self.max_entities = max_entities
        self.observation_space = spaces.Dict(self._own_spaces())

    @property
    def code_high(self) -> tuple[int, int, int]:
        """Largest type, colour and state."""
        return len(TYPES) - 1, self.params.n_colours, N_STATES - 1

    @abstractmethod
    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        """The spaces of the keys."""


def cells_of(things: NDArray[np.int8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of the cell where each thing lies, row 0 the farthest.

    Args:
        things: Rows of (type, colour, state, right, forward), `... 5`.
    """
    row = SIDE - 1 - things[..., 4].astype(np.intp)
    return row, things[..., 3].astype(np.intp) + SIDE // 2
