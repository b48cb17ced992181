"""What a view is: one way to show a batch of raw MiniGrid observations to a network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.missions import MissionCoder
from rl_attention_envs.raw import RawObservation

Observation = NDArray[Any] | dict[str, NDArray[Any]]

VIEW_SIZE = 7
"""Side of the square that the agent sees, as every MiniGrid and BabyAI id is registered."""

_SMALLEST, _LARGEST = 3, 63


@dataclass(frozen=True)
class ViewSettings:
    """The sizes of an environment that a view has to know.

    Attributes:
        words: Word slots of a mission.
        letters: Characters of the longest mission.
        view_size: Side `V` of the square that the agent sees.
        max_entities: Rows of the view ``entities``; the others have no use for it.
    """

    words: int
    letters: int = 96
    view_size: int = VIEW_SIZE
    max_entities: int = 32


def check_view_size(size: int) -> None:
    """Make sure that an agent can see a square of some size.

    Args:
        size: Its side.

    Raises:
        EnvironmentConfigError: MiniGrid cannot show it.
    """
    whole = isinstance(size, int) and not isinstance(size, bool)
    if not whole or size % 2 == 0 or not _SMALLEST <= size <= _LARGEST:
        raise EnvironmentConfigError(
            f"agent_view_size: expected an odd whole number from {_SMALLEST} to {_LARGEST}, the "
            f"agent stands in the middle of a side, got {size!r}"
        )


def view_settings(agent_view_size: int) -> dict[str, Any]:
    """Return the settings of a python MiniGrid whose agent sees a square of some size.

    Args:
        agent_view_size: Its side.
    """
    return {} if agent_view_size == VIEW_SIZE else {"agent_view_size": agent_view_size}


class RawBatch(NamedTuple):
    """A batch of raw observations whose missions have been coded by the view already.

    Attributes:
        image: MiniGrid's symbolic view, uint8 `B V V 3`, axes column, row, (type, colour, state).
        direction: Where the agent looks, `B`.
        missions: Rows of the view's mission coder, `B L`.
    """

    image: NDArray[np.uint8]
    direction: NDArray[np.integer[Any]]
    missions: NDArray[Any]


class Encoded(NamedTuple):
    """What a view makes of a batch.

    Attributes:
        observation: Arrays with a leading batch axis, laid out as the view's observation space.
        dropped: Number of things that found no room, `B`; None where nothing can be dropped.
    """

    observation: Observation
    dropped: NDArray[np.int64] | None


class View(ABC):
    """One way to show an environment.

    A view holds no state of the environment: everything it shows comes from the batch it is given.

    Args:
        settings: The sizes of the environment.
    """

    observation_space: spaces.Space[Any]
    mission_coder: MissionCoder

    def __init__(self, settings: ViewSettings) -> None:
        self.settings = settings

    @abstractmethod
    def encode(self, raw: RawBatch) -> Encoded:
        """Show a batch.

        Args:
            raw: The batch.

        Returns:
            New arrays that share no memory with the batch.
        """

    @abstractmethod
    def token_cells(self, observation: Any) -> NDArray[np.intp]:
        """Tell which cell of the view each token of an observation shows.

        Args:
            observation: What ``encode`` made of a batch.

        Returns:
            Indices into the flat view in picture order, -1 = padding, `B N`.
        """

    def empty_token(self) -> NDArray[Any] | None:
        """Return what the token of an empty, seen cell looks like; None: tokens are no cells."""
        return None


def encode_one(view: View, raw: RawObservation) -> Encoded:
    """Show one raw observation as a batch of one.

    Args:
        view: The view.
        raw: The raw observation, its mission as bytes.
    """
    image, direction, mission = (
        np.asarray(raw[key])[None] for key in ("image", "direction", "mission")
    )
    return view.encode(RawBatch(image, direction, view.mission_coder(mission)))


def row_of(observation: Observation, row: int) -> Observation:
    """Return one observation of a batch, sharing no memory with it.

    Args:
        observation: Arrays with a leading batch axis.
        row: Which one.
    """
    if isinstance(observation, dict):
        return {key: values[row].copy() for key, values in observation.items()}
    copy: NDArray[Any] = observation[row].copy()
    return copy
