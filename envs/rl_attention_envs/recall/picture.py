"""Recall in MiniGrid's tiles: the cue is a square of its colour, the question a white one."""

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.recall.rules import State
from rl_attention_envs.recall.symbols import FIRST_DISTRACTOR, QUESTION, SIDE, TYPES
from rl_attention_envs.recall.views.base import cells_of
from rl_attention_envs.symbols import EMPTY, OBJECTS
from rl_attention_envs.views.tiles import tile_atlas

# MiniGrid fills the cell of a goal with the goal's colour; the question is painted over
_DRAWN_AS = ("empty", "goal", "empty", *TYPES[FIRST_DISTRACTOR:])
_OBJECTS = tuple(OBJECTS.index(name) for name in _DRAWN_AS)
_WHITE = 255


def draw(state: State, tile: int) -> NDArray[np.uint8]:
    """Draw what is in sight.

    Args:
        state: The environments.
        tile: Pixels of a cell's side.

    Returns:
        Pictures, `B H W 3`.
    """
    things = state.shown()
    row, column = cells_of(things)
    # MiniGrid's order: column, row
    image = np.zeros((len(things), SIDE, SIDE, 3), np.uint8)
    image[..., 0] = EMPTY
    for i, slot in zip(*np.nonzero(things[..., 0]), strict=True):
        kind, colour, look = things[i, slot, :3].tolist()
        image[i, column[i, slot], row[i, slot]] = (_OBJECTS[kind], max(colour - 1, 0), look)
    pictures = tile_atlas(tile).draw(image)
    for i, slot in zip(*np.nonzero(things[..., 0] == QUESTION), strict=True):
        y, x = row[i, slot] * tile, column[i, slot] * tile
        pictures[i, y + 1 : y + tile, x + 1 : x + tile] = _WHITE
    return pictures
