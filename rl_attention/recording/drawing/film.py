"""The film strip: a bar for each step of a window, and the names of what was weighed most."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, INK, colour, ink_on
from rl_attention.recording.drawing.strips import MARGIN, row_names, with_mean
from rl_attention.recording.drawing.text import LINE, SMALL, fitted, number, width, write
from rl_attention.recording.tokens import when

MOST_TOKENS = 24
"""Of more tokens of past frames the steps are drawn, and no cell for each token."""

_BARS = 40
GROUND = (236, 236, 240)
_NAMED = 4

Colour = tuple[int, int, int]


class StepSums(NamedTuple):
    """What the steps of a window have together.

    Attributes:
        steps: The steps, oldest first, `T`: 0 is now, negative ones are past.
        values: Sum over the tokens of each, `T`.
        levels: What each would have if all tokens had the same, `T`.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    levels: NDArray[np.float64]


def sum_steps(steps: NDArray[Any], values: NDArray[Any], share: float) -> StepSums:
    """Sum numbers of tokens over the tokens of each step.

    Args:
        steps: The step of each token, `K`.
        values: Its number, `K`.
        share: The number that each token would have if all had the same.
    """
    oldest = int(steps.min(initial=0))
    places = np.asarray(steps, dtype=np.int64) - oldest
    count = 1 - oldest
    return StepSums(
        np.arange(oldest, 1),
        np.bincount(places, weights=values, minlength=count).astype(np.float64),
        np.bincount(places, minlength=count) * np.float64(share),
    )


def step_bars(
    sums: StepSums,
    size: tuple[int, int],
    *,
    least: float = 0.0,
    most: float = 1.0,
    shade: Callable[[float], Colour] = colour,
) -> Image.Image:
    """Draw a bar for each step, with a line where an equal share would end.

    Args:
        sums: What is drawn.
        size: Width and height in pixels.
        least: The number at the lower rim.
        most: The number at the upper rim.
        shade: Colour of a number.
    """
    image = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(image)
    count = len(sums.steps)
    edges = np.floor(np.linspace(0, size[0], count + 1)).astype(int)
    gap = 2 if size[0] >= 8 * count else int(size[0] >= 3 * count)

    def y_of(value: float) -> int:
        share = min(max((value - least) / (most - least), 0.0), 1.0) if most > least else 0.0
        return round((size[1] - 1) * (1 - share))

    for x0, x1, value, level in zip(edges, edges[1:], sums.values, sums.levels, strict=False):
        right = max(int(x1) - 1 - gap, int(x0))
        top, bottom = sorted((y_of(float(value)), y_of(0.0)))
        draw.rectangle((int(x0), top, right, bottom), fill=shade(float(value)))
        y = y_of(float(level))
        draw.line((int(x0), y - 1, right, y - 1), fill=BACKGROUND)
        draw.line((int(x0), y, right, y), fill=INK)
    return image


def film_strip(
    names: Sequence[str], steps: Sequence[int | None], weights: NDArray[Any], *, space: int
) -> Image.Image:
    """Draw heads by steps: how much of the attention went to each, and to which tokens most.

    The size depends on the number of heads alone.

    Args:
        names: Name of each token, `K`.
        steps: Its step, `K`: 0 is now, negative ones are past, None is of no step.
        weights: Weight of each for each head, `H K`.
        space: Width of the picture in pixels.
    """
    rows = with_mean(weights)
    height = _BARS + LINE + 4
    image = Image.new("RGB", (space, len(rows) * height + LINE), BACKGROUND)
    draw = ImageDraw.Draw(image)
    of_step = np.array([step is not None for step in steps], dtype=bool)
    times = np.array([step for step in steps if step is not None], dtype=np.int64)
    share = 1 / max(len(steps), 1)
    for line, (name, row) in enumerate(zip(row_names(len(weights)), rows, strict=True)):
        top = line * height
        write(draw, (MARGIN - 8, top + _BARS / 2), name, size=SMALL, fill=FAINT, anchor="rm")
        sums = sum_steps(times, row[of_step], share)
        bars = step_bars(sums, (space - MARGIN, _BARS))
        image.paste(bars, (MARGIN, top))
        _write_largest(draw, sums, (MARGIN, top), bars.width)
        text = fitted(_most(names, row), space - MARGIN, SMALL)
        write(draw, (MARGIN, top + _BARS + 2), text, size=SMALL)
    bottom = len(rows) * height
    oldest = when(int(times.min(initial=0)))
    write(draw, (MARGIN, bottom), f"from {oldest} to now", size=SMALL, fill=FAINT)
    return image


def _write_largest(
    draw: ImageDraw.ImageDraw, sums: StepSums, place: tuple[int, int], space: int
) -> None:
    """Write the largest sum and its step above its bar, or in it where there is no room."""
    best = int(np.argmax(sums.values))
    value = float(sums.values[best])
    text = f"{when(int(sums.steps[best]))}: {number(value)}"
    half = width(text, SMALL) / 2
    middle = place[0] + (best + 0.5) * space / len(sums.steps)
    middle = min(max(middle, place[0] + half), place[0] + space - half)
    rim = place[1] + (_BARS - 1) * (1 - min(value, 1.0))
    inside = rim - place[1] < SMALL + 2
    fill = ink_on(colour(value)) if inside else INK
    y = rim + 2 if inside else rim - SMALL - 3
    write(draw, (middle, y), text, size=SMALL, fill=fill, anchor="ma")


def _most(names: Sequence[str], row: NDArray[Any]) -> str:
    """Name the tokens with the largest weights, largest first."""
    order = np.argsort(-row, kind="stable")[:_NAMED]
    return ", ".join(f"{names[i]}  {number(float(row[i]))}" for i in order)
