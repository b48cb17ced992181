"""Weights as rows of coloured cells: words of the mission, or tokens without a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, colour, ink_on
from rl_attention.recording.drawing.text import (
    LINE,
    SIZE,
    SMALL,
    fitted,
    font,
    number,
    width,
    write,
)

MARGIN = 64
_CELL = (12, 44)
_LABEL = 84
MOST = 64
"""Tokens that a strip shows; of more, those with the largest weights."""


def row_names(n_heads: int) -> list[str]:
    """Return what stands before each row of a strip.

    Args:
        n_heads: Heads of the layer; with more than one there is a row for their mean.
    """
    heads = [f"head {head}" for head in range(n_heads)]
    return heads if n_heads == 1 else [*heads, "mean"]


def with_mean(weights: NDArray[Any]) -> NDArray[Any]:
    """Append the mean over heads as one more row, if there are several.

    Args:
        weights: `H K`.
    """
    return weights if len(weights) == 1 else np.vstack([weights, weights.mean(axis=0)])


def word_strip(words: Sequence[str], weights: NDArray[Any], *, space: int) -> Image.Image:
    """Write the words once for each head, on a ground that shows their weight.

    Args:
        words: The words, `K`.
        weights: Weight of each for each head, `H K`.
        space: Width of the picture in pixels.
    """
    rows = with_mean(weights)
    image = Image.new("RGB", (space, len(rows) * (LINE + 2)), BACKGROUND)
    draw = ImageDraw.Draw(image)
    natural = [width(word) + 10 for word in words]
    shrink = min(1.0, (space - MARGIN) / max(sum(natural), 1))
    edges = MARGIN + np.floor(np.cumsum([0, *natural]) * shrink).astype(int)
    for line, (name, row) in enumerate(zip(row_names(len(weights)), rows, strict=True)):
        top = line * (LINE + 2)
        write(draw, (MARGIN - 8, top + LINE / 2), name, size=SMALL, fill=FAINT, anchor="rm")
        for word, weight, x0, x1 in zip(words, row, edges, edges[1:], strict=False):
            shade = colour(weight)
            draw.rectangle((x0, top, x1 - 2, top + LINE), fill=shade)
            text = fitted(word, int(x1 - x0) - 4)
            middle = ((x0 + x1 - 2) / 2, top + LINE / 2)
            write(draw, middle, text, fill=ink_on(shade), anchor="mm")
    return image


def heat_strip(labels: Sequence[str], weights: NDArray[Any], *, space: int) -> Image.Image:
    """Draw heads by tokens, the largest weight of each row written in its cell.

    Of more than `MOST` tokens those are shown that some head weights most, in their order, and
    behind them what the rest have together.

    Args:
        labels: Name of each token, `K`.
        weights: Weight of each for each head, `H K`.
        space: Pixels to aim for; many tokens may take more, few take less.
    """
    longest = max((width(label) for label in labels), default=0)
    labels, weights = largest(labels, weights)
    rows = with_mean(weights)
    cell = int(np.clip((space - MARGIN) // max(len(labels), 1), *_CELL))
    height = len(rows) * (LINE + 2)
    upright = any(width(label, SMALL) > cell - 2 for label in labels)
    # as for the longest of all labels, or the size would depend on the weights
    below = min(_LABEL, longest + 6) if upright else LINE
    image = Image.new("RGB", (MARGIN + cell * len(labels), height + below), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for line, (name, row) in enumerate(zip(row_names(len(weights)), rows, strict=True)):
        top = line * (LINE + 2)
        write(draw, (MARGIN - 8, top + LINE / 2), name, size=SMALL, fill=FAINT, anchor="rm")
        _heat_row(draw, row, top, cell)
    for token, label in enumerate(labels):
        x0 = MARGIN + token * cell
        if upright:
            image.paste(_upright(label, below), (x0 + (cell - LINE) // 2, height + 2))
        else:
            middle = (x0 + cell / 2 - 1, height + LINE / 2)
            write(draw, middle, label, size=SMALL, fill=FAINT, anchor="mm")
    return image


def largest(labels: Sequence[str], weights: NDArray[Any]) -> tuple[Sequence[str], NDArray[Any]]:
    """Choose `MOST` tokens, and put the others together behind them.

    Args:
        labels: Name of each token, `K`.
        weights: Weight of each for each head, `H K`.
    """
    more = len(labels) - MOST
    if more <= 0:
        return labels, weights
    order = np.argsort(-weights.max(axis=0), kind="stable")
    kept = np.sort(order[:MOST])
    rest = weights[:, order[MOST:]].sum(axis=1, keepdims=True)
    return [*(labels[i] for i in kept), f"{more} more"], np.hstack([weights[:, kept], rest])


def _heat_row(draw: ImageDraw.ImageDraw, row: NDArray[Any], top: int, cell: int) -> None:
    best = int(np.argmax(row)) if len(row) else -1
    for token, weight in enumerate(row):
        x0, shade = MARGIN + token * cell, colour(weight)
        draw.rectangle((x0, top, x0 + cell - 2, top + LINE), fill=shade)
        text = number(float(weight))
        if token == best and width(text, SMALL) <= cell - 2:
            middle = (x0 + cell / 2 - 1, top + LINE / 2)
            write(draw, middle, text, size=SMALL, fill=ink_on(shade), anchor="mm")


def _upright(label: str, length: int) -> Image.Image:
    """A label turned to read downwards, starting at its cell."""
    flat = Image.new("RGB", (length - 2, LINE - 1), BACKGROUND)
    place = (0, (LINE - 1) / 2)
    text = fitted(label, length - 2, SIZE)
    ImageDraw.Draw(flat).text(place, text, font=font(SIZE), fill=FAINT, anchor="lm")
    return flat.transpose(Image.Transpose.ROTATE_270)
