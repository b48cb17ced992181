"""One frame with its entities tinted by weight."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import colour, ink_on
from rl_attention.recording.drawing.text import SIZE, font, number

PANEL = 160
_TINT = 0.72


@dataclass(frozen=True, eq=False)
class Marks:
    """Tokens that have a place in the frame.

    Attributes:
        boxes: Pixels `x0 y0 x1 y1` in the frame, `M 4`.
        weights: Weight of each, `M`.
    """

    boxes: NDArray[Any]
    weights: NDArray[Any]


def panel_height(frame: NDArray[Any]) -> int:
    """Return how high a panel of this frame is.

    Args:
        frame: The picture, `H W 3`.
    """
    height, width = frame.shape[:2]
    return max(1, round(PANEL * int(height) / int(width)))


def shrunk(frame: NDArray[np.uint8]) -> Image.Image:
    """Return the frame at panel size.

    Args:
        frame: The picture, `H W 3`.
    """
    method = Image.Resampling.LANCZOS if frame.shape[1] > PANEL else Image.Resampling.NEAREST
    return Image.fromarray(frame).resize((PANEL, panel_height(frame)), method)


def overlay(frame: NDArray[np.uint8], marks: Marks) -> Image.Image:
    """Dim the frame and tint each mark; the largest weight is written on its mark.

    Args:
        frame: The picture, `H W 3`.
        marks: What to tint.
    """
    small = np.asarray(shrunk(frame).convert("L"), dtype=np.float64)
    picture = np.repeat(small[..., None] * 0.45 + 30.0, 3, axis=-1)
    zoom = PANEL / frame.shape[1]
    boxes = np.rint(marks.boxes * zoom).astype(int)
    for (x0, y0, x1, y1), weight in zip(boxes, marks.weights, strict=True):
        below = small[y0:y1, x0:x1, None] * 1.15
        tint = np.array(colour(weight), dtype=np.float64)
        picture[y0:y1, x0:x1] = _TINT * tint + (1 - _TINT) * below
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for (x0, y0, x1, y1), weight in zip(boxes, marks.weights, strict=True):
        if x1 > x0 and y1 > y0:
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour(weight))
    if len(marks.weights):
        _write_largest(draw, boxes, marks.weights, image.size)
    return image


def _write_largest(
    draw: ImageDraw.ImageDraw, boxes: NDArray[Any], weights: NDArray[Any], size: tuple[int, int]
) -> None:
    best = int(np.argmax(weights))
    x0, y0, x1, y1 = (int(edge) for edge in boxes[best])
    # a mark at the rim keeps its number inside the panel
    x = min(max((x0 + x1) / 2, 13), size[0] - 13)
    y = min(max((y0 + y1) / 2, 8), size[1] - 8)
    ground = colour(float(weights[best]))
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=(255, 255, 255), width=2)
    draw.text(
        (x, y),
        number(float(weights[best])),
        font=font(SIZE),
        fill=ink_on(ground),
        anchor="mm",
        stroke_width=1,
        stroke_fill=ground,
    )
