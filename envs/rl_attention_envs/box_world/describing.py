"""Names, places and pictures of what the environments show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.picture import draw
from rl_attention_envs.box_world.rules import State
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.worlds.describing import FRAME_TILE, first_described


def describe_all(view: BoxWorldView, state: State) -> dict[str, NDArray[Any]]:
    """Tell what the tokens of environments show.

    Args:
        view: The view that shows them.
        state: The environments.

    Returns:
        ``frames`` `B H W 3`, ``boxes`` `B N 4` in pixels of the frame, ``types`` and ``labels``
        `B N`, and ``agent_boxes`` `B 4`.
    """
    names = view.name_tokens(state)
    y, x = np.divmod(state.agent, view.params.size + 2)
    return {
        "frames": draw(state, view.params.size, FRAME_TILE),
        "boxes": names.boxes * FRAME_TILE,
        "types": names.types,
        "labels": names.labels,
        "agent_boxes": (np.stack([x, y, x + 1, y + 1], axis=1) * FRAME_TILE).astype(np.int32),
    }


def describe_one(view: BoxWorldView, state: State, row: int) -> dict[str, Any]:
    """Tell what the tokens of one environment show.

    Args:
        view: The view that shows it.
        state: The environments.
        row: Which one.

    Returns:
        ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3` and ``agent_box`` `4`.
    """
    return first_described(describe_all(view, state.rows([row])))
