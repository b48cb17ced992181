"""What the actions of an environment are called."""

from rl_attention_envs.own_worlds import find_world


def action_names(env_id: str, count: int) -> list[str]:
    """Name the actions of an environment, in the order of their numbers.

    Args:
        env_id: An id of ``list_environments``.
        count: How many it has; some MiniGrid environments have the first few alone.
    """
    world = find_world(env_id)
    if world is not None:
        return world.action_names(world.presets[env_id])
    from minigrid.core.actions import Actions

    return [action.name for action in Actions][:count]
