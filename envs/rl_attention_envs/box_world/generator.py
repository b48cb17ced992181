"""Levels by parameters: one stream of them for each environment."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.levels import Levels, sort_slots
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.placing import place_things
from rl_attention_envs.box_world.rules import State, begin
from rl_attention_envs.box_world.trees import draw_trees

_AHEAD = 32
_TRIALS, _TRIAL_ROUNDS = 64, 100


def draw_levels(params: BoxWorldParams, rng: np.random.Generator, count: int) -> Levels:
    """Draw levels.

    Args:
        params: The parameters.
        rng: What draws.
        count: Number `K` of levels.

    Raises:
        EnvironmentConfigError: There is no room for the boxes, or no colours are left for them.
    """
    trees = draw_trees(params, rng, count)
    places = place_things(rng, trees.real, params.size)
    left = _walled(places.boxes, params.size)
    loose = np.zeros((count, 1), bool)

    def slots(boxes: NDArray[Any], key: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([key, np.where(trees.real, boxes, 0)], axis=1).astype(boxes.dtype)

    return sort_slots(
        Levels(
            agent=_walled(places.agent, params.size),
            lock_cell=slots(left + 1, loose),
            thing_cell=slots(left, _walled(places.key, params.size)[:, None]),
            lock=slots(trees.lock, loose),
            thing=slots(trees.content, trees.first_key[:, None]),
            on_path=slots(trees.on_path, loose),
        )
    )


@lru_cache(maxsize=64)
def check_room(params: BoxWorldParams) -> None:
    """Make sure that levels of these parameters can be drawn, before anything is started.

    Args:
        params: The parameters.

    Raises:
        EnvironmentConfigError: There is no room for the boxes, or no colours are left for them.
    """
    rng = np.random.default_rng(0)
    real = np.ones((_TRIALS, params.max_boxes), bool)
    place_things(rng, real, params.size, max_rounds=_TRIAL_ROUNDS)
    draw_trees(params, rng, _TRIALS)


class LevelStream:
    """The levels of one environment, one after the other, from a generator of its own.

    They are drawn several ahead, which costs a tenth of drawing each alone.

    Args:
        params: The parameters.
        rng: The environment's own generator.
    """

    def __init__(self, params: BoxWorldParams, rng: np.random.Generator) -> None:
        self._params = params
        self._rng = rng
        self._next = _AHEAD
        self._levels: Levels
        self._begun: State

    def next(self) -> tuple[Levels, State, int]:
        """Return the levels drawn last, how each begins, and which of them comes next."""
        if self._next == _AHEAD:
            self._levels = draw_levels(self._params, self._rng, _AHEAD)
            self._begun = begin(self._levels, self._params.size)
            self._next = 0
        row = self._next
        self._next += 1
        return self._levels, self._begun, row


def _walled(cells: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Renumber the cells of the room as cells of the room with its wall."""
    row, column = np.divmod(cells, size)
    return (row + 1) * (size + 2) + column + 1
