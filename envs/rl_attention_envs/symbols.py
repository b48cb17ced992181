"""MiniGrid's integer codes, by name.

The numbers are a file format: they stand in observation bounds, run folders and embeddings. So they
are written out here, and a test holds them equal to ``minigrid.core.constants``. This also keeps
the import of this package free of minigrid and pygame.
"""

OBJECTS: tuple[str, ...] = (
    "unseen",
    "empty",
    "wall",
    "floor",
    "door",
    "key",
    "ball",
    "box",
    "goal",
    "lava",
    "agent",
)
COLOURS: tuple[str, ...] = ("red", "green", "blue", "purple", "yellow", "grey")
DOOR_STATES: tuple[str, ...] = ("open", "closed", "locked")

UNSEEN = OBJECTS.index("unseen")
EMPTY = OBJECTS.index("empty")
WALL = OBJECTS.index("wall")
DOOR = OBJECTS.index("door")

THINGS: tuple[str, ...] = ("door", "key", "ball", "box", "goal", "lava")
"""The objects worth an entity of their own."""


def label(kind: int, colour: int, state: int) -> str:
    """Return a cell's content in words, such as ``red key`` or ``locked blue door``.

    Args:
        kind: Index into ``OBJECTS``.
        colour: Index into ``COLOURS``.
        state: Index into ``DOOR_STATES``; it means something for doors only.
    """
    name = OBJECTS[kind]
    if name in ("unseen", "empty", "agent"):
        return name
    if name == "door":
        return f"{DOOR_STATES[state]} {COLOURS[colour]} door"
    return f"{COLOURS[colour]} {name}"
