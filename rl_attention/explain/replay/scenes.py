"""What a state looks like: its picture, its entities and its mission."""

from collections.abc import Sequence
from typing import Any

from rl_attention.recording import ProbeSet
from rl_attention.viewer.packing import pack_frame
from rl_attention.viewer.schema import Entity, Weights


class Frames:
    """Pictures as PNG files, each distinct one once."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self._known: dict[bytes, int] = {}

    def add(self, states: ProbeSet, row: int) -> int | None:
        """Keep the picture of a state, and return its number; None where there is none."""
        if states.frames is None:
            return None
        picture = states.frames[row]
        key = picture.tobytes()
        if key not in self._known:
            self._known[key] = len(self.files)
            self.files.append(pack_frame(picture))
        return self._known[key]


def entities_of(states: ProbeSet, row: int, slots: Any, places: Any = None) -> list[Entity]:
    """List the real entities of a state.

    Args:
        states: The states, with names for every slot.
        row: The state.
        slots: Its real slots.
        places: Where each slot is, `P N 2`, for states without a picture; None: nobody knows.
    """
    found = []
    for slot in map(int, slots):
        label = _text(states.labels, row, slot) or f"entity {slot}"
        box = None if states.boxes is None else [float(edge) for edge in states.boxes[row, slot]]
        place = None if places is None else [float(value) for value in places[row, slot]]
        found.append(
            Entity(
                slot=slot,
                label=label,
                type=_text(states.types, row, slot),
                box=box if box is not None and _has_area(box) else None,
                place=place,
                step=0 if states.steps is None else int(states.steps[row, slot]),
            )
        )
    return found


def agent_box(states: ProbeSet, row: int) -> list[float] | None:
    """Give the pixels of the agent, if they are known."""
    if states.agent_boxes is None:
        return None
    return [float(edge) for edge in states.agent_boxes[row]]


def words_of(states: ProbeSet, row: int, layers: Sequence[Weights]) -> list[str]:
    """Give the words of the mission, without padding.

    Args:
        states: The states.
        row: The state.
        layers: Its weights; words that nobody has named, but that they refer to, get numbers.
    """
    given = [] if states.words is None else [str(word) for word in states.words[row]]
    refs = {ref for layer in layers for ref in (*layer.queries, *layer.keys) if ref[0] == "w"}
    known = max((i + 1 for i, word in enumerate(given) if word), default=0)
    count = max([known, *(int(ref[1:]) + 1 for ref in refs)])
    given += [""] * (count - len(given))
    return [word or f"word {i}" for i, word in enumerate(given[:count])]


def mission_of(states: ProbeSet, row: int) -> str:
    """Give the mission as one text."""
    return "" if states.missions is None else str(states.missions[row])


def _text(names: Any, row: int, slot: int) -> str:
    return "" if names is None else str(names[row, slot])


def _has_area(box: list[float]) -> bool:
    return box[2] > box[0] and box[3] > box[1]
