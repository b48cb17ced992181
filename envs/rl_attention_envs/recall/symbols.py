"""The codes of Recall: things, colours, places and answers.

The numbers are a file format: they stand in observation bounds, run folders and embeddings.
"""

from rl_attention_envs.symbols import COLOURS, DOOR_STATES, OBJECTS
from rl_attention_envs.symbols import label as grid_label

TYPES: tuple[str, ...] = ("", "cue", "question", "door", "key", "ball", "box")
"""Names of the types; what comes after the question distracts."""

PADDING, CUE, QUESTION, DOOR = range(4)
FIRST_DISTRACTOR = DOOR

N_STATES = len(DOOR_STATES)

SIDE = 5
"""Side of the square in sight; the observer stands in the middle of its last row."""

CELLS = SIDE * SIDE - 1
"""Cells where a thing can lie: all but the observer's."""


def label(kind: int, colour: int, state: int) -> str:
    """Return a thing in words, such as ``cue red``, ``question`` or ``open red door``.

    Args:
        kind: Index into ``TYPES``, not of the padding.
        colour: Its colour, counted from 1; the question has 0.
        state: Index into ``DOOR_STATES``; it means something for doors only.
    """
    if kind == QUESTION:
        return "question"
    if kind == CUE:
        return f"cue {COLOURS[colour - 1]}"
    return grid_label(OBJECTS.index(TYPES[kind]), colour - 1, state)


def action_names(n_colours: int) -> list[str]:
    """Name the answers in the order of their numbers.

    Args:
        n_colours: How many colours there are.
    """
    return [f"answer {colour}" for colour in COLOURS[:n_colours]]
