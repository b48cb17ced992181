"""What the actions of an environment are called."""

from rl_attention_envs.box_world.presets import PRESETS
from rl_attention_envs.box_world.symbols import ACTIONS


def action_names(env_id: str, count: int) -> list[str]:
    """Name the actions of an environment, in the order of their numbers.

    Args:
        env_id: An id of ``list_environments``.
        count: How many it has; some MiniGrid environments have the first few alone.
    """
    if env_id in PRESETS:
        return list(ACTIONS)
    from minigrid.core.actions import Actions

    return [action.name for action in Actions][:count]
