"""Recall as a vector environment, from an id or from parameters of one's own."""

from typing import TYPE_CHECKING

from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.presets import FAMILY, PRESETS
from rl_attention_envs.recall.views import make_recall_view
from rl_attention_envs.worlds.choosing import choose_params

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def make_recall_vec_env(
    world: str | RecallParams,
    *,
    view: str = "entities",
    n_envs: int = 1,
    seed: int | None = 0,
    max_entities: int = 32,
) -> "VecEnv":
    """Make a Recall vector environment.

    Args:
        world: A key of ``PRESETS``, or parameters.
        view: A key of ``RECALL_VIEWS``.
        n_envs: Number of environments.
        seed: Decides every episode of every environment; None takes one from the operating system.
        max_entities: Rows of the view ``entities``.

    Returns:
        A vector environment with same-step resets, ``terminal_observation``,
        ``TimeLimit.truncated``, ``is_success`` and ``episode`` in its infos.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    params = choose_params(world, PRESETS, "Recall", n_envs=n_envs)
    shown = make_recall_view(view, params, max_entities)

    from stable_baselines3.common.vec_env import VecMonitor

    from rl_attention_envs.recall.vec_env import RecallVecEnv

    env_id = world if isinstance(world, str) else FAMILY
    return VecMonitor(RecallVecEnv(shown, n_envs=n_envs, seed=seed, env_id=env_id))
