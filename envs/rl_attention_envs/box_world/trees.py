"""Which box holds which key: the way to the gem, the branches off it, and their colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.symbols import GEM
from rl_attention_envs.errors import EnvironmentConfigError

_MAX_ROUNDS = 1_000


@dataclass(frozen=True, eq=False)
class Trees:
    """The boxes of many levels, those of the solution first and in order.

    Attributes:
        real: Whether there is such a box, `K M`.
        on_path: Whether it leads to the gem, `K M`.
        lock: Colour of its lock, `K M`.
        content: Colour of the key inside or ``GEM``, `K M`.
        first_key: Colour of the loose key, `K`.
    """

    real: NDArray[np.bool_]
    on_path: NDArray[np.bool_]
    lock: NDArray[np.uint8]
    content: NDArray[np.uint8]
    first_key: NDArray[np.uint8]


def draw_trees(params: BoxWorldParams, rng: np.random.Generator, count: int) -> Trees:
    """Draw the boxes of levels.

    Keys are numbered: 0 is the loose one, box `i` of the solution needs key `i` and holds key
    `i + 1` or, if it is the last, the gem. A branch begins with a second lock for some key of the
    solution, and each of its boxes holds the key of the next. No two keys share a colour.

    Args:
        params: The parameters.
        rng: What draws.
        count: Number `K` of levels.
    """
    (shortest, longest), branches, branch = params.spans
    length = rng.integers(shortest, longest + 1, count)[:, None]
    step = np.arange(longest)
    n_branches = rng.integers(branches[0], branches[1] + 1, count)[:, None]
    branch_length = rng.integers(branch[0], branch[1] + 1, count)[:, None]
    number, depth = np.divmod(np.arange(branches[1] * branch[1]), branch[1])
    anchor = (rng.random((count, branches[1])) * length).astype(np.intp)
    own = longest + np.arange(len(depth))  # the key inside each box of a branch
    on_way = np.broadcast_to(step, (count, longest))
    lock_key = np.concatenate([on_way, np.where(depth == 0, anchor[:, number], own - 1)], axis=1)
    inside = np.where(step + 1 == length, params.max_boxes, on_way + 1)
    inside = np.concatenate([inside, np.broadcast_to(own, (count, len(own)))], axis=1)
    real = np.concatenate([step < length, (number < n_branches) & (depth < branch_length)], axis=1)
    on_path = np.arange(params.max_boxes) < length
    colours = _draw_colours(params, rng, length[:, 0], lock_key, inside, real)
    return Trees(
        real=real,
        on_path=on_path,
        lock=np.take_along_axis(colours, lock_key, axis=1),
        content=np.take_along_axis(colours, inside, axis=1),
        first_key=colours[:, 0],
    )


def _draw_colours(
    params: BoxWorldParams,
    rng: np.random.Generator,
    length: NDArray[np.int64],
    lock_key: NDArray[np.intp],
    inside: NDArray[np.intp],
    real: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Give every key a colour, `K M+1`; the last column is the gem."""
    count = len(length)
    colours = np.zeros((count, params.max_boxes + 1), np.uint8)
    colours[:, -1] = GEM
    forbidden = np.zeros((GEM + 1, GEM + 1), bool)
    for key, lock in params.pairs:
        forbidden[key, lock] = not params.require_withheld
    left = np.arange(count)
    for _ in range(_MAX_ROUNDS):
        colours[left, :-1] = _permutations(params, rng, length[left])
        keys = np.take_along_axis(colours[left], inside[left], axis=1)
        locks = np.take_along_axis(colours[left], lock_key[left], axis=1)
        left = left[(forbidden[keys, locks] & real[left]).any(axis=1)]
        if not len(left):
            return colours
    raise EnvironmentConfigError(
        f"withheld: expected pairs that leave enough others, got {len(params.pairs)} with "
        f"{params.n_colours} colours: withhold fewer, or take more colours"
    )


def _permutations(
    params: BoxWorldParams, rng: np.random.Generator, length: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Draw different colours for the keys of each level, with a withheld pair if there must be."""
    count = len(length)
    every = np.tile(np.arange(1, params.n_colours + 1, dtype=np.uint8), (count, 1))
    colours = rng.permuted(every, axis=1)
    if params.require_withheld:
        pairs = np.array(params.pairs, np.uint8)[rng.integers(len(params.pairs), size=count)]
        box = (rng.random(count) * (length - 1)).astype(np.intp)
        _swap_in(colours, box, pairs[:, 1])
        # the two colours differ, so this leaves the lock where it is
        _swap_in(colours, box + 1, pairs[:, 0])
    return colours[:, : params.max_boxes]


def _swap_in(
    colours: NDArray[np.uint8], place: NDArray[np.intp], wanted: NDArray[np.uint8]
) -> None:
    rows = np.arange(len(colours))
    at = (colours == wanted[:, None]).argmax(axis=1)
    colours[rows, at] = colours[rows, place]
    colours[rows, place] = wanted
