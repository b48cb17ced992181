"""Where the things of a level lie: no two touch, so every lock can be reached."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError

_MAX_ROUNDS = 2_000


class Places(NamedTuple):
    """Cells of many levels, numbered row by row in the room without its wall.

    Attributes:
        boxes: The left cell of each box, `K M`; 0 where there is no box.
        key: Cell of the loose key, `K`.
        agent: Cell of the agent, `K`.
    """

    boxes: NDArray[np.intp]
    key: NDArray[np.intp]
    agent: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Room:
    """What each place of a box rules out, `P P`: True where the second may not be.

    Attributes:
        fits: Whether a box can lie there at all, `P`.
        boxes: For the left cell of another box.
        key: For the loose key.
        agent: For the agent.
    """

    fits: NDArray[np.bool_]
    boxes: NDArray[np.bool_]
    key: NDArray[np.bool_]
    agent: NDArray[np.bool_]


def place_things(
    rng: np.random.Generator, real: NDArray[np.bool_], size: int, max_rounds: int = _MAX_ROUNDS
) -> Places:
    """Draw where the things of levels lie.

    Between two things there is always a free cell, diagonally too. The free cells then hang
    together, and every lock has one beside it.

    Args:
        rng: What draws.
        real: Which boxes there are, `K M`.
        size: Side of the room.
        max_rounds: How often to begin anew with the levels that found no room.

    Raises:
        EnvironmentConfigError: There is no room for so many boxes.
    """
    count, slots = real.shape
    n_boxes = real.sum(axis=1)
    left = np.arange(count)
    placed = np.zeros((count, slots), np.intp)
    key, agent = np.zeros(count, np.intp), np.zeros(count, np.intp)
    for _ in range(max_rounds):
        found, key[left], agent[left], done = _try_once(rng, n_boxes[left], slots, size)
        placed[left] = found
        left = left[~done]
        if not len(left):
            # which box lies where is drawn too, or the solution would have the places drawn first
            order = np.argsort(rng.random(real.shape) + ~real, axis=1, kind="stable")
            boxes = np.zeros_like(placed)
            np.put_along_axis(boxes, order, placed, axis=1)
            return Places(boxes, key, agent)
    raise EnvironmentConfigError(
        f"size: expected room for {int(n_boxes.max())} boxes that do not touch, got {size}: take a "
        "larger size, a shorter solution or fewer branches"
    )


def _try_once(
    rng: np.random.Generator, n_boxes: NDArray[np.int64], slots: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Place box after box at random; returns boxes, keys, agents, and where all found room."""
    count, room = len(n_boxes), _room(size)
    box_free = np.tile(room.fits, (count, 1))
    key_free, agent_free = np.ones_like(box_free), np.ones_like(box_free)
    boxes, done = np.zeros((count, slots), np.intp), np.ones(count, bool)
    for slot in range(slots):
        there = slot < n_boxes
        place, found = _choose(rng, box_free)
        boxes[:, slot] = np.where(there, place, 0)
        done &= found | ~there
        for free, taken in ((box_free, room.boxes), (key_free, room.key), (agent_free, room.agent)):
            free &= ~(taken[place] & there[:, None])
    key, found = _choose(rng, key_free)
    done &= found
    agent_free[np.arange(count), key] = False
    agent, found = _choose(rng, agent_free)
    return boxes, key, agent, done & found


def _choose(
    rng: np.random.Generator, free: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Draw one free cell of each row, and say where there was any."""
    place = (rng.random(free.shape, np.float32) * free).argmax(axis=1)
    return place, free[np.arange(len(free)), place]


@lru_cache(maxsize=8)
def _room(size: int) -> _Room:
    row, column = np.divmod(np.arange(size * size), size)
    near = np.abs(row[:, None] - row) <= 1
    right = column - column[:, None]  # how far the second place is to the right of the box's
    return _Room(
        fits=column < size - 1,
        boxes=near & (np.abs(right) <= 2),
        key=near & (right >= -1) & (right <= 2),
        agent=(row[:, None] == row) & (right >= 0) & (right <= 1),
    )
