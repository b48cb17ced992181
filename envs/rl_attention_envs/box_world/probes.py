"""Fixed observations of Box-World that every run and arm is asked about."""

from typing import Any

import numpy as np

from rl_attention_envs.box_world.describing import describe_all
from rl_attention_envs.box_world.generator import check_room, draw_levels
from rl_attention_envs.box_world.levels import Levels
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.rules import State, begin
from rl_attention_envs.box_world.views import make_box_world_view
from rl_attention_envs.errors import EnvironmentConfigError

_SEED = 7_000_001
_LEVELS_PER_PROBE = 4


def make_box_world_probes(
    params: BoxWorldParams, *, view: str = "entities", n_probes: int = 6, max_entities: int = 32
) -> dict[str, Any]:
    """Make the probe observations of a Box-World.

    The levels come from a seed of their own. The first is shown before any key was taken, the next
    with the loose key in hand, the next with the key out of the first box, and so on.

    Args:
        params: The parameters.
        view: A key of ``BOX_WORLD_VIEWS``.
        n_probes: Number `P` of observations.
        max_entities: Rows of the view ``entities``.

    Returns:
        The arguments of a probe set, with a leading axis `P`: ``observations``, ``frames``,
        ``boxes``, ``types``, ``labels``, ``agent_boxes`` and ``names``.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    if n_probes < 1:
        raise EnvironmentConfigError(f"n_probes must be at least 1, got {n_probes}")
    shown = make_box_world_view(view, params, max_entities)
    check_room(params)
    levels = _rich_levels(params, n_probes)
    state = begin(levels, params.size)
    stages = np.arange(n_probes) % (levels.on_path.sum(axis=1) + 1)
    for row, stage in enumerate(stages):
        play_to(state, levels, row, int(stage))
    names = [f"level {row}, {stage} keys taken" for row, stage in enumerate(stages)]
    return {
        "observations": shown.encode(state),
        **describe_all(shown, state),
        "names": np.array(names),
    }


def play_to(state: State, levels: Levels, row: int, stage: int) -> None:
    """Let an environment be as it is when some keys have been taken, in place.

    Args:
        state: Environments that have just begun.
        levels: Their levels.
        row: Which one.
        stage: Keys taken; at most as many as the solution has boxes.
    """
    slot = int(np.flatnonzero((levels.thing[row] > 0) & (levels.lock[row] == 0))[0])
    for taken in range(stage):
        if taken:
            opened = (levels.lock[row] == state.held[row]) & levels.on_path[row]
            slot = int(np.flatnonzero(opened)[0])
            state.locks[row, levels.lock_cell[row, slot]] = 0
        state.things[row, levels.thing_cell[row, slot]] = 0
        state.held[row] = levels.thing[row, slot]
        state.agent[row] = levels.thing_cell[row, slot]


def _rich_levels(params: BoxWorldParams, count: int) -> Levels:
    """Draw levels and keep those with the most boxes, in the order they were drawn."""
    drawn = draw_levels(params, np.random.default_rng(_SEED), count * _LEVELS_PER_PROBE)
    richest = np.argsort(-(drawn.thing > 0).sum(axis=1), kind="stable")[:count]
    return drawn.take(np.sort(richest))
