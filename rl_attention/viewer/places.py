"""Where things are in the picture of a scene, and which steps of two runs stand side by side."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rl_attention.viewer.parts import Entity, Scene, Step
from rl_attention.viewer.schema import Replay, Run

SIDE = 320.0
"""Width of a picture without a frame; the page has the same."""

_MARGIN, _HALF = 36.0, 13.0

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plan:
    """The picture of a scene.

    Attributes:
        width: In pixels of the frame.
        height: Likewise.
        boxes: `x0 y0 x1 y1` of each token that has a place, by its reference.
        drawn: Whether there is no frame, so that things are dots.
    """

    width: float
    height: float
    boxes: dict[str, Corners]
    drawn: bool


class Shown(NamedTuple):
    """What a run shows at a point in time.

    Attributes:
        step: Its step.
        ended: Whether its episode is over, so that its last step stays.
    """

    step: Step
    ended: bool


def lay_out(run: Run, scene: Scene) -> Plan:
    """Say where everything is: in the frame, at its place, or else on a circle.

    Args:
        run: The run, whose places all go onto one plan.
        scene: A step or a probe.
    """
    if scene.frame is not None:
        return _in_frame(run.frames[scene.frame], scene)
    places = [e.place for s in (*run.steps, *run.probes) for e in s.entities if e.place]
    if any(entity.place for entity in of_now(scene)):
        return _on_plan(places, scene)
    return _on_circle(scene)


def of_now(scene: Scene) -> list[Entity]:
    """Return the entities that are there now, which alone have a place in the picture.

    Args:
        scene: A step or a probe.
    """
    return [entity for entity in scene.entities if entity.step == 0]


def frame_size(frame: str) -> tuple[int, int]:
    """Return width and height of a frame, from the header of its PNG file.

    Args:
        frame: Base64.
    """
    head = base64.b64decode(frame[:32])
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def side_by_side(replay: Replay) -> list[tuple[Shown | None, ...]]:
    """List the points in time at which some run has a step, and what each run shows then.

    Args:
        replay: One run or two. None stands where a run has no such episode.
    """
    slots = sorted({(step.episode, step.t) for run in replay.runs for step in run.steps})
    columns = [_aligned(run, slots) for run in replay.runs]
    return list(zip(*columns, strict=True))


def _aligned(run: Run, slots: Sequence[tuple[int, int]]) -> list[Shown | None]:
    shown: list[Shown | None] = []
    last = {step.episode: step.t for step in run.steps}
    following = 0
    for episode, t in slots:
        while following < len(run.steps) and _when(run.steps[following]) <= (episode, t):
            following += 1
        step = run.steps[following - 1] if following else None
        there = step is not None and step.episode == episode
        shown.append(Shown(step, t > last[episode]) if step is not None and there else None)
    return shown


def _when(step: Step) -> tuple[int, int]:
    return step.episode, step.t


def _in_frame(frame: str, scene: Scene) -> Plan:
    boxes: dict[str, Corners] = {}
    for entity in of_now(scene):
        if entity.box is not None:
            x0, y0, x1, y1 = entity.box
            if x1 > x0 and y1 > y0:
                boxes[f"e{entity.slot}"] = (x0, y0, x1, y1)
    width, height = frame_size(frame)
    return Plan(width, height, boxes, drawn=False)


def _on_plan(places: Sequence[Sequence[float]], scene: Scene) -> Plan:
    low = [min(place[i] for place in places) for i in (0, 1)]
    span = [max(place[i] for place in places) - low[i] for i in (0, 1)]
    room = SIDE - 2 * _MARGIN
    zoom = room / max(span) if max(span) > 0 else 0.0
    height = max(SIDE / 2, span[1] * zoom + 2 * _MARGIN)
    spare = ((room - span[0] * zoom) / 2, (height - 2 * _MARGIN - span[1] * zoom) / 2)
    boxes = {}
    for entity in of_now(scene):
        if entity.place is not None:
            x, y = (_MARGIN + spare[i] + (entity.place[i] - low[i]) * zoom for i in (0, 1))
            boxes[f"e{entity.slot}"] = _around(x, y)
    return Plan(SIDE, height, boxes, drawn=True)


def _on_circle(scene: Scene) -> Plan:
    radius = SIDE / 2 - _MARGIN
    boxes = {}
    entities = of_now(scene)
    for i, entity in enumerate(entities):
        angle = 2 * math.pi * i / len(entities) - math.pi / 2
        x, y = SIDE / 2 + radius * math.cos(angle), SIDE / 2 + radius * math.sin(angle)
        boxes[f"e{entity.slot}"] = _around(x, y)
    return Plan(SIDE, SIDE, boxes, drawn=True)


def _around(x: float, y: float) -> Corners:
    return x - _HALF, y - _HALF, x + _HALF, y + _HALF
