"""Box-World as the paper draws it: one plain square a cell, the key in hand in the corner."""

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.rules import State
from rl_attention_envs.box_world.symbols import COLOURS, GEM

_RGB: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 40),
    "green": (40, 160, 60),
    "blue": (30, 90, 230),
    "yellow": (250, 225, 30),
    "purple": (140, 40, 180),
    "orange": (245, 130, 40),
    "cyan": (70, 225, 240),
    "magenta": (240, 50, 220),
    "lime": (170, 240, 50),
    "brown": (130, 80, 30),
    "teal": (0, 125, 130),
    "pink": (250, 170, 190),
    "navy": (15, 25, 110),
    "olive": (125, 125, 10),
    "maroon": (110, 10, 30),
    "lavender": (195, 165, 250),
    "gold": (200, 155, 20),
    "mint": (150, 245, 190),
    "coral": (255, 110, 95),
    "indigo": (80, 20, 130),
}
_WALL, _FLOOR, _AGENT, _GEM = (0, 0, 0), (215, 215, 215), (110, 110, 110), (255, 255, 255)

# floor, the colours, gem, agent, wall
_PALETTE = np.array([_FLOOR, *(_RGB[name] for name in COLOURS), _GEM, _AGENT, _WALL], np.uint8)
_AGENT_INDEX, _WALL_INDEX = GEM + 1, GEM + 2


def draw(state: State, size: int, tile: int) -> NDArray[np.uint8]:
    """Draw rooms with the wall around them.

    A lock and a key of one colour look alike, as in the paper: two coloured cells side by side are
    a box.

    Args:
        state: The environments.
        size: Side of the room.
        tile: Pixels of a cell's side.

    Returns:
        Pictures, `B H W 3`.
    """
    batch, width = len(state.agent), size + 2
    # a cell has a lock or a thing or neither
    cells = (state.locks + state.things).reshape(batch, width, width)
    cells[:, [0, -1], :] = _WALL_INDEX
    cells[:, :, [0, -1]] = _WALL_INDEX
    cells.reshape(batch, -1)[np.arange(batch), state.agent] = _AGENT_INDEX
    cells[:, 0, 0] = np.where(state.held > 0, state.held, _WALL_INDEX)
    pictures: NDArray[np.uint8] = _PALETTE[cells.repeat(tile, axis=1).repeat(tile, axis=2)]
    return pictures


def floor_tile(tile: int) -> NDArray[np.uint8]:
    """Draw a cell with nothing in it.

    Args:
        tile: Pixels of its side.

    Returns:
        The picture, `tile tile 3`.
    """
    return np.tile(np.array(_FLOOR, np.uint8), (tile, tile, 1))
