"""What an environment would give to see if its state were edited.

Whatever can be edited offers a method ``edit_entities(edit: str)``. It gives None where the edit
changes nothing, else ``observation``, one observation of the view without a batch axis, and
``description``, what ``describe_entities`` would say of it.
"""

import copy
from typing import Any

from rl_attention_envs.edits import Edit, apply_edit
from rl_attention_envs.raw import RawObservation, raw_observation

METHOD = "edit_entities"
RAW_METHOD = "observe_edited"
"""What `RawMiniGrid` offers, for whoever encodes its observations by a view."""

REFUSAL = f"{METHOD}: states can be edited on the backend gymnasium alone"
NOT_BEGUN = f"{METHOD}: expected an episode that has begun: call reset first"


def observe_edited(grid_env: Any, edit: Edit) -> RawObservation | None:
    """Observe the edited state of an environment that itself stays as it is.

    Args:
        grid_env: A ``MiniGridEnv`` whose episode has begun.
        edit: The edit.

    Returns:
        The raw observation; None where the edit changes nothing.
    """
    # an edit and an observation need no more than the grid of their own: windows and clocks, which
    # cannot be copied, and the random stream, which is not drawn from, are shared
    twin = copy.copy(grid_env)
    twin.grid = grid_env.grid.copy()
    return raw_observation(twin.gen_obs()) if apply_edit(twin, edit) else None
