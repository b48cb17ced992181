"""The view ``entities``: one row for every box, one for what lies loose."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.rules import State
from rl_attention_envs.box_world.symbols import (
    BOX,
    GEM,
    KEY,
    LOOSE_GEM,
    PADDING,
    TYPES,
    entity_name,
)
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.worlds.views import Arrays, TokenNames

COLUMNS: tuple[str, ...] = ("type", "lock", "content", "right", "down")


class EntitiesView(BoxWorldView):
    """A padded set of boxes, keys and the gem.

    Own keys: ``entities`` `N 5` (type, colour of the lock, what is in it or lies there, right and
    down of the agent; of a box, the place of its lock) and ``mask`` `N`, 1 = there is one. A thing
    keeps its row while an episode lasts. The rows follow the picture as it was in the beginning,
    which says nothing about the solution. Where a thing was taken, its row is padding, all zero.

    Args:
        params: The parameters of the levels.
        max_entities: Rows.
    """

    def __init__(self, params: BoxWorldParams, max_entities: int) -> None:
        super().__init__(params, max_entities)
        row, column = self._place(np.arange((params.size + 2) ** 2))
        self._places = np.stack([column, row], axis=1).astype(np.int8)

    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        count, colours, far = self.max_entities, self.params.n_colours, self.params.size - 1
        low = np.array([PADDING, 0, 0, -far, -far], np.int8)
        # the gem comes after the colours that there are
        high = np.array([LOOSE_GEM, colours, colours + 1, far, far], np.int8)
        return {
            "entities": spaces.Box(
                np.tile(low, (count, 1)), np.tile(high, (count, 1)), dtype=np.int8
            ),
            "mask": spaces.MultiBinary(count),
        }

    def _own_arrays(self, state: State) -> Arrays:
        batch, slots = state.thing_cell.shape
        lock, thing = _slots(state)
        there = thing > 0
        kind = np.where(lock > 0, BOX, np.where(thing == GEM, LOOSE_GEM, KEY))
        cell = np.where(lock > 0, state.lock_cell, state.thing_cell)
        offset = (self._places[cell] - self._places[state.agent][:, None]) * there[..., None]
        entities = np.zeros((batch, self.max_entities, len(COLUMNS)), np.int8)
        shown = entities[:, :slots]
        shown[..., 0] = kind * there
        shown[..., 1] = lock
        shown[..., 2] = np.minimum(thing, self.params.n_colours + 1)
        shown[..., 3:] = offset
        mask = np.zeros((batch, self.max_entities), np.int8)
        mask[:, :slots] = there
        return {"entities": entities, "mask": mask}

    def name_tokens(self, state: State) -> TokenNames:
        """Tell what the tokens show.

        Args:
            state: The environments.
        """
        shape = (len(state.agent), self.max_entities)
        lock, thing = _slots(state)
        boxes = np.zeros((*shape, 4), np.int32)
        types, labels = np.zeros(shape, "<U16"), np.zeros(shape, "<U32")
        row, column = np.divmod(state.thing_cell, self.params.size + 2)
        for i, slot in zip(*np.nonzero(thing), strict=True):
            locked, inside = int(lock[i, slot]), int(thing[i, slot])
            y, x = row[i, slot], column[i, slot]
            boxes[i, slot] = (x, y, x + (2 if locked else 1), y + 1)
            types[i, slot] = TYPES[BOX if locked else LOOSE_GEM if inside == GEM else KEY]
            labels[i, slot] = entity_name(locked, inside)
        return TokenNames(boxes, types, labels)


def _slots(state: State) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what is now in each slot: the colour of its lock, and its key or gem, `B S`."""
    row = np.arange(len(state.agent))[:, None]
    return state.locks[row, state.lock_cell], state.things[row, state.thing_cell]
