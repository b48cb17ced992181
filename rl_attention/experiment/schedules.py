"""Constant or linear schedules, spelled as in RL Zoo: `0.0003` or `lin_0.0003`."""

import math

_PREFIX = "lin_"


def parse_schedule(value: float | str) -> tuple[float, bool]:
    """Split a schedule into its initial value and whether it falls to zero.

    Args:
        value: A number, or text such as `lin_0.0003`.

    Returns:
        The initial value, and True for a linear schedule.

    Raises:
        ValueError: It is neither, or the number is not finite.
    """
    linear = isinstance(value, str)
    if isinstance(value, str) and not value.startswith(_PREFIX):
        raise ValueError(f"expected a number or {_PREFIX}NUMBER, got {value!r}")
    initial = float(value.removeprefix(_PREFIX)) if isinstance(value, str) else float(value)
    if not math.isfinite(initial):
        raise ValueError(f"expected a finite number, got {value!r}")
    return initial, linear
