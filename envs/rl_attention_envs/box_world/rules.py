"""The rules of Box-World, for many environments at once."""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.levels import Levels
from rl_attention_envs.box_world.symbols import GEM, MOVES
from rl_attention_envs.worlds.rules import Outcome

GEM_REWARD, BOX_REWARD, DISTRACTOR_REWARD = 10.0, 1.0, -1.0
"""The rewards of the paper."""


@dataclass(eq=False)
class State:
    """Where everything is, in `B` environments of `P` cells with the wall around them.

    The slots say where the things of a level were in the beginning, the boards what is there now.

    Attributes:
        locks: Colour of the closed lock on each cell, `B P`.
        things: Colour of the key on each cell, or ``GEM``, `B P`.
        on_path: Whether the lock on a cell leads to the gem, `B P`.
        agent: Cell of the agent, `B`.
        held: Colour of the key in hand, `B`; 0: none.
        lock_cell: Cell of each slot's lock, `B S`; 0: none.
        thing_cell: Cell of each slot's key or gem, `B S`; 0: an unused slot.
    """

    locks: NDArray[np.uint8]
    things: NDArray[np.uint8]
    on_path: NDArray[np.bool_]
    agent: NDArray[np.intp]
    held: NDArray[np.uint8]
    lock_cell: NDArray[np.intp]
    thing_cell: NDArray[np.intp]

    def rows(self, chosen: NDArray[np.intp] | list[int]) -> "State":
        """Return a copy of some environments.

        Args:
            chosen: Which.
        """
        return State(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def put(self, row: int, other: "State", other_row: int) -> None:
        """Let an environment go on as one of another state.

        Args:
            row: Which environment.
            other: The state to copy from.
            other_row: Which environment of it.
        """
        self.locks[row] = other.locks[other_row]
        self.things[row] = other.things[other_row]
        self.on_path[row] = other.on_path[other_row]
        self.agent[row] = other.agent[other_row]
        self.held[row] = other.held[other_row]
        self.lock_cell[row] = other.lock_cell[other_row]
        self.thing_cell[row] = other.thing_cell[other_row]


def begin(levels: Levels, size: int) -> State:
    """Return the first state of levels.

    Args:
        levels: The levels.
        size: Side of the room.
    """
    count, cells = len(levels), (size + 2) ** 2
    row = np.arange(count)[:, None]
    locks, things = np.zeros((count, cells), np.uint8), np.zeros((count, cells), np.uint8)
    on_path = np.zeros((count, cells), bool)
    # unused slots write zeros into a corner of the wall
    locks[row, levels.lock_cell] = levels.lock
    things[row, levels.thing_cell] = levels.thing
    on_path[row, levels.lock_cell] = levels.on_path
    return State(
        locks=locks,
        things=things,
        on_path=on_path,
        agent=levels.agent.copy(),
        held=np.zeros(count, np.uint8),
        lock_cell=levels.lock_cell.copy(),
        thing_cell=levels.thing_cell.copy(),
    )


def step(state: State, actions: NDArray[np.intp], size: int) -> Outcome:
    """Move every agent, in place.

    Walls, locks without their key and the content of a closed box are not walked onto. A key is
    picked up by walking onto it, a lock is opened so and uses up the key.

    Args:
        state: The environments.
        actions: Index into ``ACTIONS`` for each, `B`.
        size: Side of the room.

    Returns:
        The paper's rewards, whether the level is over, and whether the gem was taken.
    """
    row = np.arange(len(state.agent))
    wall, moves = _wall(size), _moves(size)
    target = state.agent + moves[actions]
    lock, thing = state.locks[row, target], state.things[row, target]
    opens = (lock > 0) & (lock == state.held)
    # a closed lock to the right of a thing is its own: things do not touch
    shut_in = (thing > 0) & (state.locks[row, target + 1] > 0)
    walks = ~(wall[target] | ((lock > 0) & ~opens) | shut_in)
    state.agent = np.where(walks, target, state.agent)
    right = state.on_path[row, target]
    takes = walks & (thing > 0)
    success = takes & (thing == GEM)
    rewards = opens * np.where(right, BOX_REWARD, DISTRACTOR_REWARD) + success * GEM_REWARD
    if opens.any():
        state.locks[row[opens], target[opens]] = 0
        state.held[opens] = 0
    if takes.any():
        state.things[row[takes], target[takes]] = 0
        keys = takes & ~success
        state.held[keys] = thing[keys]
    return Outcome(rewards.astype(np.float32), success | (opens & ~right), success)


@lru_cache(maxsize=8)
def _wall(size: int) -> NDArray[np.bool_]:
    board = np.ones((size + 2, size + 2), bool)
    board[1:-1, 1:-1] = False
    return board.reshape(-1)


@lru_cache(maxsize=8)
def _moves(size: int) -> NDArray[np.intp]:
    return np.array([rows * (size + 2) + columns for rows, columns in MOVES], np.intp)
