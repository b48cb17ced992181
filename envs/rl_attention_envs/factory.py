"""The one function that makes a vector environment ready for Stable-Baselines3."""

from typing import TYPE_CHECKING

from rl_attention_envs.backends import VEC_ENV_KINDS, choose_backend
from rl_attention_envs.changes import CHANGES, check_change
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.own_worlds import find_world
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import VIEW_SIZE, ViewSettings, view_settings
from rl_attention_envs.vocabulary import mission_bounds

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def make_vec_env(
    env_id: str,
    *,
    view: str = "entities",
    n_envs: int = 1,
    seed: int | None = 0,
    backend: str = "auto",
    vec_env: str = "dummy",
    num_threads: int | None = None,
    max_entities: int = 32,
    agent_view_size: int = VIEW_SIZE,
    change: str | None = None,
) -> "VecEnv":
    """Make a MiniGrid, BabyAI, Box-World or Recall vector environment.

    Args:
        env_id: An id of ``list_environments``.
        view: A key of ``VIEWS``; Box-World has no ``flat``, Recall ``entities`` and ``cells``.
        n_envs: Number of environments.
        seed: Decides every episode of every environment; None takes one from the operating system.
        backend: ``auto``, ``envpool`` or ``gymnasium``; Box-World and Recall are stepped by
            numpy alone.
        vec_env: How the backend ``gymnasium`` runs its environments: ``dummy``, in this process, or
            ``subproc``, in one process each.
        num_threads: Threads of the backend ``envpool``; None takes one for each core, at most
            ``n_envs``.
        max_entities: Rows of the view ``entities``.
        agent_view_size: Side of the square that the agent sees, odd; another than 7 is stepped by
            the backend ``gymnasium``. Box-World and Recall have no such square.
        change: A key of ``CHANGES``: what is done to every observation before it is shown.

    Returns:
        A vector environment with same-step resets, ``terminal_observation``,
        ``TimeLimit.truncated``, ``is_success`` and ``episode`` in its infos.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    if n_envs < 1:
        raise EnvironmentConfigError(f"n_envs must be at least 1, got {n_envs}")
    if vec_env not in VEC_ENV_KINDS:
        raise EnvironmentConfigError(
            f"vec_env must be one of {', '.join(VEC_ENV_KINDS)}, got {vec_env!r}"
        )
    if num_threads is not None and num_threads < 1:
        raise EnvironmentConfigError(f"num_threads must be at least 1, got {num_threads}")
    choice = choose_backend(env_id, backend, agent_view_size)
    if change is not None:
        check_change(change, env_id, view)
    world = find_world(env_id)
    made: VecEnv
    if world is not None:
        made = world.make_vec_env(
            env_id, view=view, n_envs=n_envs, seed=seed, max_entities=max_entities
        )
    else:
        made = _make_minigrid(
            env_id,
            choice.name,
            view=view,
            n_envs=n_envs,
            seed=seed,
            vec_env=vec_env,
            num_threads=num_threads,
            max_entities=max_entities,
            agent_view_size=agent_view_size,
        )
    if change is None:
        return made

    from rl_attention_envs.changed_vec_env import ChangedVecEnv

    return ChangedVecEnv(made, CHANGES[change](seed))


def _make_minigrid(
    env_id: str,
    backend: str,
    *,
    view: str,
    n_envs: int,
    seed: int | None,
    vec_env: str,
    num_threads: int | None,
    max_entities: int,
    agent_view_size: int,
) -> "VecEnv":
    bounds = mission_bounds(env_id)
    # the view is checked before anything is started
    settings = ViewSettings(bounds.words, bounds.letters, agent_view_size, max_entities)
    shown = make_view(view, settings)

    from stable_baselines3.common.vec_env import VecMonitor

    from rl_attention_envs.view_vec_env import ViewVecEnv

    raw: VecEnv
    if backend == "envpool":
        from rl_attention_envs.backends.envpool import EnvPoolVecEnv

        raw = EnvPoolVecEnv(env_id, n_envs=n_envs, seed=seed, num_threads=num_threads)
    else:
        from rl_attention_envs.backends.gymnasium import make_gymnasium_vec_env

        raw = make_gymnasium_vec_env(
            env_id,
            n_envs=n_envs,
            seed=seed,
            vec_env=vec_env,
            settings=view_settings(agent_view_size),
        )
    return VecMonitor(ViewVecEnv(raw, shown))
