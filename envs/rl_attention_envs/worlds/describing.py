"""From what is told of many environments to what is told of one."""

from typing import Any

from numpy.typing import NDArray

FRAME_TILE = 32
"""Pixels of a cell's side in the pictures that people look at."""

_ONE = {"frames": "frame", "agent_boxes": "agent_box"}


def first_described(told: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return what ``describe_entities`` says of the first environment.

    Args:
        told: ``frames`` `B H W 3`, ``boxes`` `B N 4` in pixels of the frame, ``types`` and
            ``labels`` `B N`, and ``agent_boxes`` `B 4`.

    Returns:
        ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3` and ``agent_box`` `4`.
    """
    return {_ONE.get(key, key): values[0] for key, values in told.items()}
