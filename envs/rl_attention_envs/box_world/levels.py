"""A level as one writes it down, and many levels as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError


@dataclass(frozen=True)
class Box:
    """A lock, and to the left of it what it locks.

    Attributes:
        row: Row of the lock, from 0 at the top.
        column: Column of the lock; its content lies at ``column - 1``.
        lock: Colour of the key that opens it.
        content: Colour of the key inside, or ``GEM``.
        on_path: Whether it leads to the gem; opening any other ends the episode.
    """

    row: int
    column: int
    lock: int
    content: int
    on_path: bool = True


@dataclass(frozen=True)
class Level:
    """One level before the first move.

    Attributes:
        agent: Row and column where the agent starts.
        key: Row and column of the loose key.
        key_colour: Its colour.
        boxes: All boxes.
    """

    agent: tuple[int, int]
    key: tuple[int, int]
    key_colour: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, eq=False)
class Levels:
    """Many levels of one size. A slot holds a box or the loose key, in picture order.

    Cells are numbered row by row in the room with a wall around it; cell 0 is a corner of the wall
    and stands for "none". Unused slots come last and are zero.

    Attributes:
        agent: Cell where the agent starts, `K`.
        lock_cell: Cell of each lock, `K S`; 0: a loose key.
        thing_cell: Cell of each key or gem, `K S`.
        lock: Colour of each lock, `K S`.
        thing: Colour of each key, or ``GEM``, `K S`.
        on_path: Whether the lock leads to the gem, `K S`.
    """

    agent: NDArray[np.intp]
    lock_cell: NDArray[np.intp]
    thing_cell: NDArray[np.intp]
    lock: NDArray[np.uint8]
    thing: NDArray[np.uint8]
    on_path: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.agent)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> "Levels":
        """Return some of the levels.

        Args:
            rows: Which.
        """
        return Levels(*(getattr(self, field.name)[rows] for field in fields(self)))

    def level(self, row: int, size: int) -> Level:
        """Write one of the levels down.

        Args:
            row: Which.
            size: Side of the room.
        """
        width = size + 2

        def place(cell: int) -> tuple[int, int]:
            return int(cell) // width - 1, int(cell) % width - 1

        boxes, key = [], 0
        for slot in np.flatnonzero(self.thing[row]):
            if self.lock[row, slot]:
                lock, thing = int(self.lock[row, slot]), int(self.thing[row, slot])
                at = place(self.lock_cell[row, slot])
                boxes.append(Box(*at, lock, thing, bool(self.on_path[row, slot])))
            else:
                key = int(slot)
        return Level(
            agent=place(self.agent[row]),
            key=place(self.thing_cell[row, key]),
            key_colour=int(self.thing[row, key]),
            boxes=tuple(boxes),
        )


def sort_slots(levels: Levels) -> Levels:
    """Bring the slots of each level into picture order, the unused ones last.

    Args:
        levels: Levels whose slots lie in any order.
    """
    last = np.iinfo(np.intp).max
    order = np.argsort(np.where(levels.thing == 0, last, levels.thing_cell), axis=1, kind="stable")
    slots = (
        np.take_along_axis(getattr(levels, name), order, axis=1)
        for name in ("lock_cell", "thing_cell", "lock", "thing", "on_path")
    )
    return Levels(levels.agent, *slots)


def stack_levels(levels: Sequence[Level], size: int, slots: int) -> Levels:
    """Turn levels that were written down into arrays.

    Args:
        levels: The levels.
        size: Side of the room.
        slots: Number `S` of slots.

    Raises:
        EnvironmentConfigError: A level has more things than slots, or one outside the room.
    """
    width, count = size + 2, len(levels)
    cells = np.zeros((2, count, slots), np.intp)
    codes = np.zeros((2, count, slots), np.uint8)
    on_path = np.zeros((count, slots), bool)
    agents = np.zeros(count, np.intp)

    def cell(row: int, column: int) -> int:
        if not (0 <= row < size and 0 <= column < size):
            raise EnvironmentConfigError(
                f"level: expected rows and columns from 0 to {size - 1}, got {row}, {column}"
            )
        return (row + 1) * width + column + 1

    for i, level in enumerate(levels):
        if len(level.boxes) >= slots:
            raise EnvironmentConfigError(
                f"level: expected at most {slots - 1} boxes, got {len(level.boxes)}: make the "
                "environment with parameters that allow as many"
            )
        agents[i] = cell(*level.agent)
        cells[1, i, 0], codes[1, i, 0] = cell(*level.key), level.key_colour
        for slot, box in enumerate(level.boxes, start=1):
            cells[:, i, slot] = cell(box.row, box.column), cell(box.row, box.column - 1)
            codes[:, i, slot] = box.lock, box.content
            on_path[i, slot] = box.on_path
    (lock_cell, thing_cell), (lock, thing) = cells, codes
    return sort_slots(Levels(agents, lock_cell, thing_cell, lock, thing, on_path))
