"""Colours of the numbers of a map, the same in pictures and on the page."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from rl_attention.recording.drawing.colours import colour
from rl_attention.viewer.schema import MapMeta, Run

_LESS_TO_MORE = np.array(
    [
        (110, 190, 255),
        (44, 118, 200),
        (30, 60, 104),
        (40, 40, 46),
        (112, 62, 20),
        (206, 110, 24),
        (255, 176, 80),
    ],
    dtype=np.float64,
)

Colour = tuple[int, int, int]


class Range(NamedTuple):
    """From where to where a colour scale goes.

    Attributes:
        low: Lower end; the negative of the upper one where the map is signed.
        high: Upper end.
        signed: Whether 0 is in the middle, blue below it and orange above.
    """

    low: float
    high: float
    signed: bool


def range_of(run: Run, kind: MapMeta) -> Range:
    """Return the range of a map over all steps of a run, 0 in it.

    Args:
        run: The run.
        kind: One of its maps.
    """
    numbers = (v for step in run.steps for v in step.values.get(kind.id, []))
    return span_of(numbers, signed=kind.signed)


def span_of(numbers: Iterable[float], *, signed: bool) -> Range:
    """Return the range of numbers, 0 in it.

    Args:
        numbers: Any.
        signed: Whether 0 is in the middle.
    """
    known = [0.0, *(float(number) for number in numbers)]
    low, high = min(known), max(known)
    most = max(high, -low)
    return Range(-most, most, True) if signed else Range(low, high, False)


def place_of(value: float, span: Range) -> float:
    """Return the place of a number on its scale, 0 to 1; small ones are kept apart by the root.

    Args:
        value: The number.
        span: Its range.
    """
    if span.high <= span.low:
        return 0.5 if span.signed else 0.0
    if span.signed:
        return 0.5 + 0.5 * float(np.sign(value) * np.sqrt(min(abs(value) / span.high, 1.0)))
    return float(np.sqrt(np.clip((value - span.low) / (span.high - span.low), 0.0, 1.0)))


def shade_at(place: float, *, signed: bool) -> Colour:
    """Return the colour at a place on a scale.

    Args:
        place: 0 to 1.
        signed: Which of the two scales.
    """
    if not signed:
        return colour(place**2)  # that scale takes the root itself
    stops = np.linspace(0.0, 1.0, len(_LESS_TO_MORE))
    red, green, blue = (round(float(np.interp(place, stops, c))) for c in _LESS_TO_MORE.T)
    return red, green, blue


def shade(value: float, span: Range) -> Colour:
    """Return the colour of a number.

    Args:
        value: The number.
        span: Its range.
    """
    return shade_at(place_of(value, span), signed=span.signed)
