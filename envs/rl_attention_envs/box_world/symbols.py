"""The codes of Box-World: colours, things and moves.

The numbers are a file format: they stand in observation bounds, run folders and embeddings.
"""

COLOURS: tuple[str, ...] = (
    "red",
    "green",
    "blue",
    "yellow",
    "purple",
    "orange",
    "cyan",
    "magenta",
    "lime",
    "brown",
    "teal",
    "pink",
    "navy",
    "olive",
    "maroon",
    "lavender",
    "gold",
    "mint",
    "coral",
    "indigo",
)
"""Names of the colours; the first is 1, because 0 is no colour."""

GEM = len(COLOURS) + 1
"""What stands for the gem where the colour of a key would stand."""

ACTIONS: tuple[str, ...] = ("up", "right", "down", "left")
MOVES: tuple[tuple[int, int], ...] = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Rows and columns that each action moves by."""

PADDING, KEY, BOX, LOOSE_GEM = range(4)
TYPES: tuple[str, ...] = ("", "key", "box", "gem")
"""Names of the types of the view ``entities``."""

FLOOR, AGENT, KEY_CELL, LOCK_CELL, GEM_CELL = range(5)
CELL_KINDS: tuple[str, ...] = ("floor", "agent", "key", "lock", "gem")
"""Names of the kinds of the view ``cells``."""


def thing_name(thing: int) -> str:
    """Return a key or the gem in words, such as ``red key``.

    Args:
        thing: A colour, or ``GEM``.
    """
    return "gem" if thing == GEM else f"{COLOURS[thing - 1]} key"


def entity_name(lock: int, thing: int) -> str:
    """Return a loose thing or a box in words, such as ``red lock: blue key``.

    Args:
        lock: The colour of its lock; 0: it is loose.
        thing: A colour, or ``GEM``.
    """
    return f"{COLOURS[lock - 1]} lock: {thing_name(thing)}" if lock else thing_name(thing)
