"""What a view of Box-World is, and the keys that all of them have."""

from abc import abstractmethod
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.rules import State
from rl_attention_envs.worlds.views import Arrays, WorldView


class BoxWorldView(WorldView[State]):
    """One way to show Box-World. It holds no state of the environments.

    All have the keys: ``agent`` (row and column) and ``held`` (the key in hand; 0: none).

    Args:
        params: The parameters of the levels.
        max_entities: Rows of the view ``entities``.
    """

    def __init__(self, params: BoxWorldParams, max_entities: int) -> None:
        self.params = params
        self.max_entities = max_entities
        self.observation_space = spaces.Dict(
            {
                **self._own_spaces(),
                "agent": spaces.MultiDiscrete([params.size, params.size]),
                "held": spaces.Discrete(params.n_colours + 1),
            }
        )

    def encode(self, state: State) -> Arrays:
        """Show environments.

        Args:
            state: The environments.

        Returns:
            New arrays that share no memory with the state, with a leading axis `B`.
        """
        return {
            **self._own_arrays(state),
            "agent": np.stack(self._place(state.agent), axis=1).astype(np.int64),
            "held": state.held.astype(np.int64),
        }

    @abstractmethod
    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        """The spaces of the keys that this view alone has."""

    @abstractmethod
    def _own_arrays(self, state: State) -> Arrays:
        """The arrays of those keys."""

    def _place(self, cell: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return row and column of cells; -1 for the wall's corner, which stands for none."""
        row, column = np.divmod(cell, self.params.size + 2)
        return row - 1, column - 1
