"""The colour bar at the end of a row, with the level of looking at everything alike."""

import numpy as np
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, INK, colours, scale
from rl_attention.recording.drawing.text import SMALL, write

BAR_WIDTH = 74
_LEFT, _RIGHT = 36, 48
_TICKS = ((0.0, "0"), (0.1, ".1"), (0.25, ".25"), (0.5, ".5"), (1.0, "1"))


def scale_bar(height: int, n_keys: int) -> Image.Image:
    """Draw the bar.

    Args:
        height: Pixels.
        n_keys: Real tokens that could be looked at; 1 over it is marked.
    """
    image = Image.new("RGB", (BAR_WIDTH, height), BACKGROUND)
    draw = ImageDraw.Draw(image)
    top, bottom = 6, height - 7
    place = np.linspace(1.0, 0.0, bottom - top + 1)
    shades = np.repeat(colours(place**2)[:, None], _RIGHT - _LEFT, axis=1)
    image.paste(Image.fromarray(shades), (_LEFT, top))

    def y_of(weight: float) -> float:
        return bottom - float(scale(weight)) * (bottom - top)

    for weight, label in _TICKS:
        y = y_of(weight)
        draw.line((_RIGHT, y, _RIGHT + 3, y), fill=INK)
        write(draw, (_RIGHT + 6, y), label, size=SMALL, anchor="lm")
    if n_keys:
        y = y_of(1 / n_keys)
        draw.polygon(((_LEFT - 2, y), (_LEFT - 8, y - 4), (_LEFT - 8, y + 4)), fill=INK)
        write(draw, (_LEFT - 10, y), f"1/{n_keys}", size=SMALL, fill=FAINT, anchor="rm")
    return image
