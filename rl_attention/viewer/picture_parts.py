"""The parts of a picture of one step: tinted frame, colour scale, bars of the actions."""

from functools import cache

from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, INK
from rl_attention.recording.drawing.text import LINE, SMALL, fitted, width, write
from rl_attention.viewer.packing import unpack_frame
from rl_attention.viewer.places import Corners, Plan, lay_out
from rl_attention.viewer.schema import MapMeta, Run, Step
from rl_attention.viewer.shades import Colour, Range, place_of, shade, shade_at

AREA = 336
"""Width of the frame in the picture."""

BARS = 264
SCALE_HEIGHT = 44

_TINT, _DIM = 0.55, 0.65
_GROUND, _DARK = (38, 38, 44), (16, 16, 22)
_NOW, _TAKEN = (150, 152, 204), (62, 66, 148)
_EMPTY = (236, 236, 240)


def one_line(text: str) -> str:
    """Return text on one line, whatever its blanks.

    Args:
        text: The text.
    """
    return " ".join(text.split())


def area_height(run: Run) -> int:
    """Return the height that the pictures of all steps of a run need.

    Args:
        run: The run.
    """
    plans = (lay_out(run, step) for step in run.steps)
    return max(round(AREA * plan.height / plan.width) for plan in plans)


def draw_frame(
    run: Run, step: Step, kind: MapMeta | None, span: Range | None, *, named: bool = True
) -> Image.Image:
    """Draw a frame with its entities tinted by a map; dots where there is no frame.

    Args:
        run: The run.
        step: One of its steps.
        kind: The map; None: the frame alone.
        span: Range of the map.
        named: Whether names stand in it.
    """
    plan = lay_out(run, step)
    size = (AREA, round(AREA * plan.height / plan.width))
    image = Image.new("RGB", size, _GROUND)
    if step.frame is not None:
        frame = Image.fromarray(unpack_frame(run.frames[step.frame]))
        small = frame.width < AREA
        image = frame.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)
    if kind is None or span is None:
        return image
    if step.frame is not None:
        image = Image.blend(Image.new("RGB", size, _DARK), image, _DIM)
    known = zip(step.entities, step.values.get(kind.id, []), strict=False)
    values = {f"e{entity.slot}": value for entity, value in known}
    labels = {f"e{entity.slot}": entity.label or entity.type for entity in step.entities}
    zoom = AREA / plan.width
    for ref, value in values.items():
        if ref in plan.boxes:
            _tint(image, _zoomed(plan.boxes[ref], zoom), shade(value, span), plan)
    named_refs = [ref for ref in values if ref in plan.boxes]
    if not plan.drawn and named_refs:
        named_refs = [max(named_refs, key=lambda ref: values[ref])]
    for ref in named_refs if named else ():
        text = f"{one_line(labels[ref])} {values[ref]:.2f}"
        _name(image, _zoomed(plan.boxes[ref], zoom), text)
    return image


def draw_scale(kind: MapMeta, span: Range, values: list[float]) -> Image.Image:
    """Draw the colour scale of a map, with the level of an equal share of the step's total.

    Args:
        kind: The map.
        span: Its range.
        values: Its numbers at the step.
    """
    image = Image.new("RGB", (AREA, SCALE_HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(image)
    write(draw, (0, 0), fitted(one_line(kind.title), AREA // 2), size=SMALL, fill=FAINT)
    image.paste(_ramp(signed=span.signed), (0, LINE + 2))
    write(draw, (0, LINE + 13), f"{span.low:.2f}", size=SMALL, fill=FAINT)
    write(draw, (AREA, LINE + 13), f"{span.high:.2f}", size=SMALL, fill=FAINT, anchor="ra")
    if values and not span.signed and span.low == 0:
        level = sum(values) / len(values)
        x = round(place_of(level, span) * (AREA - 1))
        draw.line((x, LINE - 2, x, LINE + 12), fill=INK, width=2)
        text = f"equal share 1/{len(values)}"
        write(draw, (AREA, 0), text, size=SMALL, fill=FAINT, anchor="ra")
    return image


def draw_decision(run: Run, step: Step) -> Image.Image:
    """Draw the bars of the actions, or the numbers of a continuous one.

    Args:
        run: The run.
        step: One of its steps.
    """
    lines = len(step.probabilities) or len(step.mean or ())
    image = Image.new("RGB", (BARS, lines * (LINE + 4)), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for i in range(lines):
        top = i * (LINE + 4)
        if step.probabilities:
            name, value = run.actions[i], step.probabilities[i]
            _draw_bar(draw, top, one_line(name), value, taken=step.action == i)
        else:
            write(draw, (0, top), _gaussian(step, i))
    return image


@cache
def _ramp(*, signed: bool) -> Image.Image:
    image = Image.new("RGB", (AREA, 9))
    draw = ImageDraw.Draw(image)
    for x in range(AREA):
        draw.line((x, 0, x, 8), fill=shade_at(x / (AREA - 1), signed=signed))
    return image


def _gaussian(step: Step, i: int) -> str:
    assert step.mean is not None
    assert isinstance(step.action, list)
    spread = f" ± {step.std[i]:.3f}" if step.std is not None else ""
    return f"action {i}: {step.mean[i]:.3f}{spread}, took {step.action[i]:.3f}"


def _draw_bar(draw: ImageDraw.ImageDraw, top: int, name: str, value: float, *, taken: bool) -> None:
    left, right = 104, BARS - 40
    text = f"> {name}" if taken else name
    write(draw, (0, top), fitted(text, left - 6), fill=INK if taken else FAINT)
    draw.rectangle((left, top + 3, right, top + LINE - 2), fill=_EMPTY)
    end = left + round((right - left) * min(max(value, 0.0), 1.0))
    if end > left:
        draw.rectangle((left, top + 3, end, top + LINE - 2), fill=_TAKEN if taken else _NOW)
    write(draw, (BARS, top), f"{value:.3f}", anchor="ra")


def _zoomed(box: Corners, zoom: float) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (round(edge * zoom) for edge in box)
    return x0, y0, max(x1, x0 + 2), max(y1, y0 + 2)


def _tint(image: Image.Image, box: tuple[int, int, int, int], fill: Colour, plan: Plan) -> None:
    draw = ImageDraw.Draw(image)
    if plan.drawn:
        draw.ellipse(box, fill=fill)
        return
    x0, y0, x1, y1 = box
    part = image.crop(box)
    image.paste(Image.blend(part, Image.new("RGB", part.size, fill), _TINT), (x0, y0))
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=fill, width=2)


def _name(image: Image.Image, box: tuple[int, int, int, int], text: str) -> None:
    """Write a name below a box, or above it at the lower rim, within the picture."""
    x0, y0, x1, y1 = box
    text = fitted(text, image.width // 2, SMALL)
    wide = width(text, SMALL) + 4
    left = min(max((x0 + x1 - wide) / 2, 0), image.width - wide)
    top = y1 + 1 if y1 + LINE < image.height else y0 - LINE
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, left + wide, top + LINE - 3), fill=_DARK)
    write(draw, (left + 2, top), text, size=SMALL, fill=(255, 255, 255))
