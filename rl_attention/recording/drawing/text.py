"""Text in pictures, in Pillow's own font, so that every machine draws the same."""

from functools import lru_cache
from typing import Any

from PIL import ImageDraw, ImageFont

SIZE = 12
SMALL = 10
LINE = 16


@lru_cache(maxsize=8)
def font(size: int) -> Any:
    """Return the font.

    Args:
        size: Height in pixels.
    """
    return ImageFont.load_default(size=size)


def width(text: str, size: int = SIZE) -> int:
    """Return how many pixels wide a line of text is.

    Args:
        text: The line.
        size: Font size.
    """
    return int(-(-font(size).getlength(text) // 1))


def fitted(text: str, space: int, size: int = SIZE) -> str:
    """Shorten a line until it fits, two dots marking the cut.

    Args:
        text: The line.
        space: Pixels there are.
        size: Font size.
    """
    if width(text, size) <= space:
        return text
    while text and width(f"{text}..", size) > space:
        text = text[:-1]
    return f"{text}.." if text else ""


def wrapped(text: str, space: int, size: int = SIZE) -> list[str]:
    """Break a text into lines at its spaces.

    Args:
        text: The text.
        space: Pixels a line may take.
        size: Font size.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, size) <= space or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(line, space, size) for line in lines]


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    *,
    size: int = SIZE,
    fill: tuple[int, int, int] = (32, 32, 36),
    anchor: str = "la",
) -> None:
    """Write one line.

    Args:
        draw: Where to draw.
        place: Pixels, `x y`, of the anchor.
        text: The line.
        size: Font size.
        fill: Colour.
        anchor: Pillow's two-letter anchor.
    """
    draw.text(place, text, font=font(size), fill=fill, anchor=anchor)


def number(weight: float) -> str:
    """Write a weight in two digits: `.62`, `1.0`.

    Args:
        weight: The weight, 0 to 1.
    """
    text = f"{weight:.2f}"
    return text.removeprefix("0") if text.startswith("0.") else text[:3]
