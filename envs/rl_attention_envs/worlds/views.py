"""What a view of a task of our own is."""

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.worlds.rules import StateT

Arrays = dict[str, NDArray[Any]]


class TokenNames(NamedTuple):
    """What the tokens of a view show.

    Attributes:
        boxes: Corners (x0, y0, x1, y1) in cells of the picture, `B N 4`; zeros: none.
        types: Type of each, `B N`.
        labels: Name of each, `B N`; empty on padding.
    """

    boxes: NDArray[np.int32]
    types: NDArray[np.str_]
    labels: NDArray[np.str_]


class WorldView(ABC, Generic[StateT]):
    """One way to show a task. It holds no state of the environments."""

    observation_space: spaces.Dict

    @abstractmethod
    def encode(self, state: StateT) -> Arrays:
        """Show environments.

        Args:
            state: The environments.

        Returns:
            New arrays that share no memory with the state, with a leading axis `B`.
        """

    @abstractmethod
    def name_tokens(self, state: StateT) -> TokenNames:
        """Tell what the tokens show.

        Args:
            state: The environments.
        """

    def empty_token(self) -> NDArray[Any] | None:
        """Return what the token of an empty cell looks like; None: tokens are no cells."""
        return None
