"""MiniGrid's own drawing of every cell there can be, rendered once."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.symbols import COLOURS, DOOR, DOOR_STATES, EMPTY, OBJECTS, UNSEEN

_CARRIED = ("empty", "key", "ball", "box")


class TileAtlas:
    """Tiles by cell content, and views put together from them.

    Args:
        tile_size: Side `T` of a tile in pixels.
    """

    def __init__(self, tile_size: int) -> None:
        self.tile_size = tile_size
        shape = (len(OBJECTS), len(COLOURS), len(DOOR_STATES))
        self._cells = np.zeros((*shape, tile_size, tile_size, 3), np.uint8)
        self._agent = np.zeros((*shape[:2], tile_size, tile_size, 3), np.uint8)
        for kind, name in enumerate(OBJECTS):
            for colour in range(len(COLOURS)):
                self._fill(kind, colour, carried=name in _CARRIED)

    def _fill(self, kind: int, colour: int, *, carried: bool) -> None:
        for state in range(len(DOOR_STATES)):
            told_apart = state if kind == DOOR else 0
            self._cells[kind, colour, state] = _tile(kind, colour, told_apart, self.tile_size)
        if carried:
            self._agent[kind, colour] = _tile(kind, colour, 0, self.tile_size, agent=True)

    def draw(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Draw what the agent sees, as MiniGrid's ``get_pov_render`` does.

        Args:
            image: Symbolic views, `B V V 3`, axes column, row, (type, colour, state).

        Returns:
            Pictures, `B V*T V*T 3`.
        """
        batch, size = len(image), image.shape[1]
        cells = image.transpose(0, 2, 1, 3)
        tiles = self._cells[cells[..., 0], cells[..., 1], cells[..., 2]]
        own = cells[:, size - 1, size // 2]
        tiles[:, size - 1, size // 2] = self._agent[own[:, 0], own[:, 1]]
        side = size * self.tile_size
        # B row column y x c -> B row y column x c: rows of tiles become rows of pixels
        return tiles.transpose(0, 1, 3, 2, 4, 5).reshape(batch, side, side, 3)

    def empty(self) -> NDArray[np.uint8]:
        """Return a copy of the tile of an empty cell in sight, `T T 3`."""
        tile: NDArray[np.uint8] = self._cells[EMPTY, 0, 0].copy()
        return tile


@lru_cache(maxsize=4)
def tile_atlas(tile_size: int) -> TileAtlas:
    """Return the atlas for a tile size, rendered at the first call."""
    return TileAtlas(tile_size)


def _tile(
    kind: int, colour: int, state: int, tile_size: int, agent: bool = False
) -> NDArray[np.uint8]:
    from minigrid.core.grid import Grid
    from minigrid.core.world_object import Goal, WorldObj

    # WorldObj.decode forgets the colour of a goal
    goal = OBJECTS[kind] == "goal"
    thing = Goal(COLOURS[colour]) if goal else WorldObj.decode(kind, colour, state)
    tile: NDArray[np.uint8] = Grid.render_tile(
        thing,
        agent_dir=3 if agent else None,  # a view is turned so that the agent looks up
        highlight=kind != UNSEEN,
        tile_size=tile_size,
    )
    return tile
