"""Episodes by parameters: everything that one will show, drawn when it begins."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.symbols import (
    CELLS,
    CUE,
    DOOR,
    FIRST_DISTRACTOR,
    N_STATES,
    QUESTION,
    SIDE,
    TYPES,
)

COLUMNS: tuple[str, ...] = ("type", "colour", "state", "right", "forward")


class Episode(NamedTuple):
    """One episode.

    Attributes:
        scenes: What is shown at each step, `T M 5`, columns as ``COLUMNS``; all zero: nothing.
        answer: The colour of the cue, counted from 0: the action that is right.
    """

    scenes: NDArray[np.int8]
    answer: int


def draw_episode(params: RecallParams, rng: np.random.Generator) -> Episode:
    """Draw an episode.

    Distractors are drawn without regard to the cue, and have the colours that cues have.

    Args:
        params: The parameters.
        rng: What draws.
    """
    answer = int(rng.integers(params.n_colours))
    scenes = np.zeros((params.length, params.max_things, len(COLUMNS)), np.int8)
    scenes[1:-1] = _draw_distractors(params, rng)
    first, last = rng.integers(CELLS, size=2)
    scenes[0, 0] = (CUE, answer + 1, 0, *_PLACES[first])
    scenes[-1, 0] = (QUESTION, 0, 0, *_PLACES[last])
    return Episode(scenes, answer)


def _draw_distractors(params: RecallParams, rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw what lies between the cue and the question, `T-2 M 5`."""
    shape = (params.distance - 1, params.max_things)
    kinds = rng.integers(FIRST_DISTRACTOR, len(TYPES), shape)
    colours = rng.integers(1, params.n_colours + 1, shape)
    states = rng.integers(N_STATES, size=shape) * (kinds == DOOR)
    # no two things of a step lie in one place
    places = _PLACES[rng.random((shape[0], CELLS)).argsort(axis=1)[:, : shape[1]]]
    lowest, highest = params.span
    counts = rng.integers(lowest, highest + 1, shape[0])
    there = np.arange(shape[1]) < counts[:, None]
    codes = np.stack([kinds, colours, states], axis=-1)
    things = np.concatenate([codes, places], axis=-1) * there[..., None]
    return things.astype(np.int8)


def _places() -> NDArray[np.int8]:
    """List (right, forward) of the cells where a thing can lie."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    places = np.stack([column - SIDE // 2, SIDE - 1 - row], axis=1)
    return places[places.any(axis=1)].astype(np.int8)


_PLACES = _places()
