"""The rules of Box-World once more, for one environment and as plainly as can be: the reference."""

import numpy as np

from rl_attention_envs.box_world.levels import Level
from rl_attention_envs.box_world.rules import (
    BOX_REWARD,
    DISTRACTOR_REWARD,
    GEM_REWARD,
    State,
)
from rl_attention_envs.box_world.symbols import GEM, MOVES

Place = tuple[int, int]


class Game:
    """One level being played.

    Args:
        level: The level.
        size: Side of the room.

    Attributes:
        agent: Row and column of the agent.
        held: Colour of the key in hand; 0: none.
        locks: Colour of each closed lock by its place, and whether it leads to the gem.
        loose: Colour of each key that lies free, or ``GEM``, by its place.
        locked: The same for the contents of closed boxes.
    """

    def __init__(self, level: Level, size: int) -> None:
        self.level = level
        self.size = size
        self.agent: Place = level.agent
        self.held = 0
        self.locks: dict[Place, tuple[int, bool]] = {}
        self.loose: dict[Place, int] = {level.key: level.key_colour}
        self.locked: dict[Place, int] = {}
        for box in level.boxes:
            self.locks[box.row, box.column] = (box.lock, box.on_path)
            self.locked[box.row, box.column - 1] = box.content

    def step(self, action: int) -> tuple[float, bool, bool]:
        """Move the agent.

        Args:
            action: Index into ``ACTIONS``.

        Returns:
            The paper's reward, whether the level is over, and whether the gem was taken.
        """
        place = (self.agent[0] + MOVES[action][0], self.agent[1] + MOVES[action][1])
        inside = 0 <= place[0] < self.size and 0 <= place[1] < self.size
        if not inside or place in self.locked:
            return 0.0, False, False
        if place in self.locks:
            return self._try_lock(place)
        self.agent = place
        if place in self.loose:
            return self._take(place)
        return 0.0, False, False

    def _try_lock(self, place: Place) -> tuple[float, bool, bool]:
        colour, on_path = self.locks[place]
        if colour != self.held:
            return 0.0, False, False
        content = (place[0], place[1] - 1)
        del self.locks[place]
        self.loose[content] = self.locked.pop(content)
        self.agent, self.held = place, 0
        return (BOX_REWARD, False, False) if on_path else (DISTRACTOR_REWARD, True, False)

    def _take(self, place: Place) -> tuple[float, bool, bool]:
        thing = self.loose.pop(place)
        if thing == GEM:
            return GEM_REWARD, True, True
        self.held = thing
        return 0.0, False, False

    def state(self, begun: State) -> State:
        """Return the same as arrays, for the views.

        Args:
            begun: How the level began, one environment.
        """
        now = begun.rows([0])
        width = self.size + 2
        now.locks[:], now.things[:] = 0, 0
        for (row, column), (colour, _) in self.locks.items():
            now.locks[0, (row + 1) * width + column + 1] = colour
        for things in (self.loose, self.locked):
            for (row, column), colour in things.items():
                now.things[0, (row + 1) * width + column + 1] = colour
        now.agent = np.array([(self.agent[0] + 1) * width + self.agent[1] + 1], np.intp)
        now.held = np.array([self.held], np.uint8)
        return now
