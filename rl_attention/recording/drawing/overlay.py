"""One frame with its entities tinted by weight."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import colour, colours, ink_on
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


def panel_size(frame: NDArray[Any]) -> tuple[int, int]:
    """Return how wide and how high a panel of this frame is.

    A frame more than twice as wide as high gets a wider panel, or nothing could be seen in it; only
    frames of extreme shape are stretched.

    Args:
        frame: The picture, `H W 3`.
    """
    ratio = float(frame.shape[1]) / float(frame.shape[0])
    width = min(max(PANEL, round(PANEL / 2 * ratio)), 3 * PANEL)
    return width, min(max(PANEL // 4, round(width / ratio)), 3 * PANEL)


def shrunk(frame: NDArray[np.uint8]) -> Image.Image:
    """Return the frame at panel size.

    Args:
        frame: The picture, `H W 3`.
    """
    size = panel_size(frame)
    method = Image.Resampling.LANCZOS if frame.shape[1] > size[0] else Image.Resampling.NEAREST
    return Image.fromarray(frame).resize(size, method)


def overlay(frame: NDArray[np.uint8], marks: Marks) -> Image.Image:
    """Dim the frame and tint each mark; the largest weight is written on its mark.

    Args:
        frame: The picture, `H W 3`.
        marks: What to tint.
    """
    small = np.asarray(shrunk(frame).convert("L"), dtype=np.float64)
    picture = np.repeat(small[..., None] * 0.45 + 30.0, 3, axis=-1)
    zoom = np.divide(panel_size(frame), (frame.shape[1], frame.shape[0]))
    boxes = np.rint(marks.boxes * np.tile(zoom, 2)).astype(int)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)  # small things stay visible
    shades = colours(marks.weights).astype(np.float64)
    for (x0, y0, x1, y1), shade in zip(boxes, shades, strict=True):
        below = small[y0:y1, x0:x1, None] * 1.15
        picture[y0:y1, x0:x1] = _TINT * shade + (1 - _TINT) * below
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for (x0, y0, x1, y1), shade in zip(boxes, shades.astype(int).tolist(), strict=True):
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=tuple(shade))
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
    # and one on a mark that is smaller than the number stands beside it
    middle = (y0 + y1) / 2 if y1 - y0 >= SIZE else (y0 - 9 if y0 > 18 else y1 + 9)
    y = min(max(middle, 8), size[1] - 8)
    ground = colour(float(weights[best]))
    rim = 2 if y1 - y0 >= SIZE else 1
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=(255, 255, 255), width=rim)
    draw.text(
        (x, y),
        number(float(weights[best])),
        font=font(SIZE),
        fill=ink_on(ground),
        anchor="mm",
        stroke_width=1,
        stroke_fill=ground,
    )
