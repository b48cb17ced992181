"""What the token of an empty cell looks like, for whoever removes a token by emptying its cell."""

from typing import Any

from numpy.typing import NDArray

from rl_attention_envs.own_worlds import find_world
from rl_attention_envs.registry import check_environment
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import ViewSettings
from rl_attention_envs.vocabulary import mission_bounds


def empty_token(env_id: str, view: str) -> NDArray[Any] | None:
    """Return what a view shows of a cell that is seen and empty.

    It does not fit the agent's own cell, where ``pixels`` shows the agent.

    Args:
        env_id: An id of ``list_environments``.
        view: A key of ``VIEWS``.

    Returns:
        ``cells``: the codes of the cell, `3` or in Box-World `2`. ``pixels``: the tile, `h w c`.
        None where a token is no cell: ``entities``, which the mask removes, and ``flat``.

    Raises:
        EnvironmentConfigError: The id or the view is unknown, or they do not go together.
    """
    check_environment(env_id)
    world = find_world(env_id)
    if world is not None:
        return world.make_view(view, world.presets[env_id]).empty_token()
    bounds = mission_bounds(env_id)
    return make_view(view, ViewSettings(bounds.words, bounds.letters)).empty_token()
