"""The view ``entities``: the things in sight, the nearest first."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.symbols import OBJECTS, THINGS, UNSEEN, WALL
from rl_attention_envs.views.base import Encoded, RawBatch, ViewSettings
from rl_attention_envs.views.shared import CELL_HIGH, TokenView, picture_order

COLUMNS: tuple[str, ...] = ("type", "colour", "state", "right", "forward")

# indexed by any uint8, so that a code from a later MiniGrid is a thing and not an IndexError
_IS_THING = np.ones(256, bool)
_IS_THING[[i for i, name in enumerate(OBJECTS) if name not in THINGS]] = False


class EntitiesView(TokenView):
    """A padded set of things, with the walls and the seen cells as bit maps.

    Keys beside the shared ones: ``entities`` `N 5` (type, colour, state, right, forward), nearest
    first by Manhattan distance, ties in picture order, padding all zero; ``mask`` `N`, 1 = a thing;
    ``walls`` and ``seen`` `V*V` in picture order. The agent stands at right 0, forward 0.

    Args:
        settings: The sizes of the environment.
    """

    def __init__(self, settings: ViewSettings) -> None:
        super().__init__(settings)
        size, count = settings.view_size, settings.max_entities
        self._cells, self._places = _cells_by_distance(size)
        low = np.array([0, 0, 0, -(size // 2), 0], np.int8)
        high = np.array([*CELL_HIGH, size // 2, size - 1], np.int8)
        self.observation_space = spaces.Dict(
            {
                "entities": spaces.Box(
                    np.tile(low, (count, 1)), np.tile(high, (count, 1)), dtype=np.int8
                ),
                "mask": spaces.MultiBinary(count),
                "walls": spaces.MultiBinary(size * size),
                "seen": spaces.MultiBinary(size * size),
                **self._shared_spaces(),
            }
        )

    def encode(self, raw: RawBatch) -> Encoded:
        """Show a batch.

        Args:
            raw: The batch.
        """
        batch = len(raw.image)
        cells = picture_order(raw.image).reshape(batch, -1, 3)
        entities, counts = self._gather(cells)
        room = self.settings.max_entities
        kinds = cells[..., 0]
        observation = {
            "entities": entities,
            "mask": (np.arange(room) < counts[:, None]).astype(np.int8),
            "walls": (kinds == WALL).astype(np.int8),
            "seen": (kinds != UNSEEN).astype(np.int8),
            **self._shared(raw),
        }
        return Encoded(observation, np.maximum(counts - room, 0))

    def _gather(self, cells: NDArray[np.uint8]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Collect the things of each view into its first rows.

        Args:
            cells: Cells in picture order, `B V*V 3`.

        Returns:
            Entities `B N 5`, and how many things there were before any was dropped, `B`.
        """
        batch, room = len(cells), self.settings.max_entities
        is_thing = _IS_THING[cells[:, self._cells, 0]]
        counts = is_thing.sum(axis=1)
        env, near = np.nonzero(is_thing)
        # nonzero walks row by row: a thing's rank is its place in the walk less where its row began
        rank = np.arange(len(env)) - (np.cumsum(counts) - counts)[env]
        if len(rank) and counts.max() > room:
            kept = rank < room
            env, near, rank = env[kept], near[kept], rank[kept]
        entities = np.zeros((batch, room, len(COLUMNS)), np.int8)
        entities[env, rank, :3] = cells[env, self._cells[near]]
        entities[env, rank, 3:] = self._places[near]
        return entities, counts

    def token_cells(self, observation: Any) -> NDArray[np.intp]:
        """Tell which cell of the view each token of an observation shows.

        Args:
            observation: What ``encode`` made of a batch.

        Returns:
            Indices into the flat view in picture order, -1 = padding, `B N`.
        """
        size = self.settings.view_size
        entities = observation["entities"].astype(np.intp)
        cell = (size - 1 - entities[..., 4]) * size + size // 2 + entities[..., 3]
        return np.where(observation["mask"] == 1, cell, -1)

    def decode(self, entities: NDArray[np.int8], mask: NDArray[np.int8]) -> NDArray[np.int8]:
        """Put entities back where they came from.

        Args:
            entities: Rows of one observation, `N 5`.
            mask: 1 = a thing, `N`.

        Returns:
            Cells `V V 3` in picture order, with zeros where there is no entity.
        """
        size = self.settings.view_size
        cells = np.zeros((size, size, 3), np.int8)
        kept = entities[mask.astype(bool)]
        cells[size - 1 - kept[:, 4], size // 2 + kept[:, 3]] = kept[:, :3]
        return cells


def _cells_by_distance(size: int) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """List the cells around the agent from near to far, without its own.

    Returns:
        Indices into the flat view in picture order, and (right, forward) of each.
    """
    row, column = np.divmod(np.arange(size * size), size)
    right, forward = column - size // 2, size - 1 - row
    distance = np.abs(right) + forward
    order = np.argsort(distance, kind="stable")[1:]
    return order, np.stack([right, forward], axis=1)[order].astype(np.int8)
