"""Names, places and pictures of what the environments show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.recall.picture import draw
from rl_attention_envs.recall.rules import State
from rl_attention_envs.recall.symbols import SIDE
from rl_attention_envs.recall.views.base import RecallView
from rl_attention_envs.worlds.describing import FRAME_TILE, first_described

_OBSERVER = np.array([SIDE // 2, SIDE - 1, SIDE // 2 + 1, SIDE], np.int32)


def describe_all(view: RecallView, state: State) -> dict[str, NDArray[Any]]:
    """Tell what the tokens of environments show.

    Args:
        view: The view that shows them.
        state: The environments.

    Returns:
        ``frames`` `B H W 3`, ``boxes`` `B N 4` in pixels of the frame, ``types`` and ``labels``
        `B N`, and ``agent_boxes`` `B 4`.
    """
    names = view.name_tokens(state)
    return {
        "frames": draw(state, FRAME_TILE),
        "boxes": names.boxes * FRAME_TILE,
        "types": names.types,
        "labels": names.labels,
        "agent_boxes": np.tile(_OBSERVER * FRAME_TILE, (len(state.time), 1)),
    }


def describe_one(view: RecallView, state: State, row: int) -> dict[str, Any]:
    """Tell what the tokens of one environment show.

    Args:
        view: The view that shows it.
        state: The environments.
        row: Which one.

    Returns:
        ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3` and ``agent_box`` `4`.
    """
    return first_described(describe_all(view, state.rows([row])))
