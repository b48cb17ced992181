"""Edits of a MiniGrid state, written as short texts such as ``remove red ball``.

Interventions change the state of the game and not its pixels: Atrey et al., "Exploratory not
explanatory", ICLR 2020.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.symbols import COLOURS, THINGS

_COLOUR = "|".join(COLOURS)
# the colour stands before the kind or after it, and not twice
_BEFORE, _AFTER = rf"(?:(?P<before>{_COLOUR}) )?", rf"(?(before)|(?: (?P<after>{_COLOUR}))?)"
_THING = rf"{_BEFORE}(?P<kind>{'|'.join(THINGS)}){_AFTER}"
_FORMS = {
    "remove": re.compile(f"remove {_THING}"),
    "move": re.compile(rf"move {_THING} (?P<column>[0-9]{{1,4}}),(?P<row>[0-9]{{1,4}})"),
    "recolour": re.compile(f"recolour {_THING} (?P<new>{_COLOUR})"),
}

GRAMMAR = (
    "'remove KIND [COLOUR]', 'move KIND [COLOUR] COLUMN,ROW' or 'recolour KIND [COLOUR] NEW_COLOUR'"
    f" with a KIND of {', '.join(THINGS)} and a COLOUR of {', '.join(COLOURS)}"
)

_Parts = tuple[str, str, str | None, tuple[int, int] | None, str | None]


@dataclass(frozen=True)
class Edit:
    """One edit; ``str`` gives a text that ``parse_edit`` reads.

    Attributes:
        verb: ``remove``, ``move`` or ``recolour``.
        kind: One of ``THINGS``.
        colour: Colour of the things that are meant; None means any.
        place: Column and row of the whole grid, from 0: where to move it. Other verbs have none.
        new_colour: Colour to give. Other verbs than ``recolour`` have none.

    Raises:
        EnvironmentConfigError: The parts do not go together.
    """

    verb: str
    kind: str
    colour: str | None = None
    place: tuple[int, int] | None = None
    new_colour: str | None = None

    def __post_init__(self) -> None:
        parts = (self.verb, self.kind, self.colour, self.place, self.new_colour)
        if _read(str(self)) != parts:
            raise _unreadable(str(self))

    def __str__(self) -> str:
        place = None if self.place is None else ",".join(map(str, self.place))
        parts = (self.verb, self.colour, self.kind, place, self.new_colour)
        return " ".join(part for part in parts if part is not None)


def parse_edit(text: str) -> Edit:
    """Read an edit, whatever its case and spacing.

    The colour may stand before the kind or after it: ``remove ball red`` is ``remove red ball``.
    With two colours after the kind, the second is the new one: ``recolour ball red blue``.

    Args:
        text: What ``GRAMMAR`` says; ``recolor`` is read as well.

    Raises:
        EnvironmentConfigError: It is nothing of the kind.
    """
    words = re.sub(r"\s*,\s*", ",", text.lower()).split()
    if words[:1] == ["recolor"]:
        words[0] = "recolour"
    parts = _read(" ".join(words))
    if parts is None:
        raise _unreadable(text)
    return Edit(*parts)


def apply_edit(grid_env: Any, edit: Edit) -> bool:
    """Edit a state in place.

    Things are meant that lie in the grid: neither what the agent carries nor what is in a box. All
    that match are removed or recoloured. A thing is moved only where it is the only one to match
    and the place is inside the grid, empty and not the agent's. Doors stay as open or locked as
    they were; a door that is removed leaves a gap.

    Nothing but the grid and the things in it changes. The mission, BabyAI's instructions and lists
    that an environment keeps of its own (the balls of Dynamic-Obstacles) stay as they were, so this
    is for looking at the state, not for playing on.

    Args:
        grid_env: A ``MiniGridEnv`` whose episode has begun.
        edit: The edit.

    Returns:
        Whether anything changed.
    """
    return _VERBS[edit.verb](grid_env, edit)


def _read(text: str) -> _Parts | None:
    """Return the parts of an edit that is written in lower case with single spaces."""
    verb = text.partition(" ")[0]
    found = _FORMS[verb].fullmatch(text) if verb in _FORMS else None
    if found is None:
        return None
    part = found.groupdict()
    place = (int(part["column"]), int(part["row"])) if "column" in part else None
    return verb, part["kind"], part["before"] or part["after"], place, part.get("new")


def _unreadable(text: str) -> EnvironmentConfigError:
    return EnvironmentConfigError(f"edit: expected {GRAMMAR}, got {text[:80]!r}")


def _matching(grid_env: Any, edit: Edit) -> Iterator[tuple[int, int, Any]]:
    """Yield column, row and object of everything in the grid that is meant."""
    grid = grid_env.grid
    for column, row in np.ndindex(grid.width, grid.height):
        thing = grid.get(column, row)
        if thing is None or thing.type != edit.kind:
            continue
        if edit.colour in (None, thing.color):
            yield column, row, thing


def _remove(grid_env: Any, edit: Edit) -> bool:
    found = list(_matching(grid_env, edit))
    for column, row, thing in found:
        grid_env.grid.set(column, row, None)
        # what MiniGrid says of a thing that lies nowhere
        thing.cur_pos = np.array([-1, -1])
    return bool(found)


def _move(grid_env: Any, edit: Edit) -> bool:
    found = list(_matching(grid_env, edit))
    if len(found) != 1 or edit.place is None or not _is_free(grid_env, *edit.place):
        return False
    ((column, row, thing),) = found
    grid_env.grid.set(column, row, None)
    grid_env.put_obj(thing, *edit.place)
    return True


def _is_free(grid_env: Any, column: int, row: int) -> bool:
    grid = grid_env.grid
    inside = column < grid.width and row < grid.height
    return bool(
        inside and grid.get(column, row) is None and tuple(grid_env.agent_pos) != (column, row)
    )


def _recolour(grid_env: Any, edit: Edit) -> bool:
    found = [thing for *_, thing in _matching(grid_env, edit) if thing.color != edit.new_colour]
    for thing in found:
        thing.color = edit.new_colour
    return bool(found)


_VERBS: dict[str, Callable[[Any, Edit], bool]] = {
    "remove": _remove,
    "move": _move,
    "recolour": _recolour,
}
