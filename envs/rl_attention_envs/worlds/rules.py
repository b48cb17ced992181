"""What the rules of a task of our own work on, and what a step gives."""

from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

StateT = TypeVar("StateT", bound="Rows")


class Rows(Protocol):
    """The state of environments, of which some can be taken out."""

    def rows(self: StateT, chosen: NDArray[np.intp] | list[int]) -> StateT:
        """Return a copy of some environments.

        Args:
            chosen: Which.
        """


class Outcome(NamedTuple):
    """What a step brought.

    Attributes:
        rewards: The rewards, `B`.
        terminated: Whether the episode is over, `B`.
        success: Whether it was solved, `B`.
    """

    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    success: NDArray[np.bool_]
