"""Checks of the numbers that a task of our own is made from."""

from typing import Any

from rl_attention_envs.errors import EnvironmentConfigError

Span = int | tuple[int, int]
"""A number, or the lowest and the highest of which one is drawn."""


def check_whole(name: str, value: Any, lowest: int, highest: int) -> None:
    """Make sure that a parameter is a whole number within bounds.

    Args:
        name: The parameter, for the message.
        value: What was given.
        lowest: The least that is allowed.
        highest: The most that is allowed.

    Raises:
        EnvironmentConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise EnvironmentConfigError(
            f"{name}: expected a whole number from {lowest} to {highest}, got {value!r}"
        )


def read_span(name: str, value: Any, lowest: int) -> tuple[int, int]:
    """Return the lowest and the highest of a range.

    Args:
        name: The parameter, for the message.
        value: A number or a pair of them.
        lowest: The least that is allowed.

    Raises:
        EnvironmentConfigError: It is neither, or goes below ``lowest``.
    """
    ends = [value, value] if isinstance(value, int) else value
    if (
        not isinstance(ends, tuple | list)
        or len(ends) != 2
        or any(isinstance(end, bool) or not isinstance(end, int) for end in ends)
        or not lowest <= ends[0] <= ends[1]
    ):
        raise EnvironmentConfigError(
            f"{name}: expected a whole number of at least {lowest}, or the lowest and the highest "
            f"as (1, 3), got {value!r}"
        )
    return ends[0], ends[1]
