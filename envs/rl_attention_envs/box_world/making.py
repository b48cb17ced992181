"""Box-World as a vector environment, from an id or from parameters of one's own."""

from typing import TYPE_CHECKING

from rl_attention_envs.box_world.generator import check_room
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.presets import PRESETS
from rl_attention_envs.box_world.views import make_box_world_view
from rl_attention_envs.worlds.choosing import choose_params

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def make_box_world_vec_env(
    world: str | BoxWorldParams,
    *,
    view: str = "entities",
    n_envs: int = 1,
    seed: int | None = 0,
    max_entities: int = 32,
) -> "VecEnv":
    """Make a Box-World vector environment.

    Args:
        world: A key of ``PRESETS``, or parameters.
        view: A key of ``BOX_WORLD_VIEWS``.
        n_envs: Number of environments.
        seed: Decides every level of every environment; None takes one from the operating system.
        max_entities: Rows of the view ``entities``.

    Returns:
        A vector environment with same-step resets, ``terminal_observation``,
        ``TimeLimit.truncated``, ``is_success`` and ``episode`` in its infos.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    params = choose_params(world, PRESETS, "Box-World", n_envs=n_envs)
    shown = make_box_world_view(view, params, max_entities)
    check_room(params)

    from stable_baselines3.common.vec_env import VecMonitor

    from rl_attention_envs.box_world.vec_env import BoxWorldVecEnv

    env_id = world if isinstance(world, str) else "BoxWorld"
    return VecMonitor(BoxWorldVecEnv(shown, n_envs=n_envs, seed=seed, env_id=env_id))
