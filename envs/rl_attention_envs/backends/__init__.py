"""Two ways to run MiniGrid and BabyAI, and which to take; tasks of our own have one of theirs."""

from dataclasses import dataclass

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.own_worlds import World, find_world
from rl_attention_envs.registry import (
    check_environment,
    envpool_ids,
    envpool_installed,
    gymnasium_ids,
)
from rl_attention_envs.views.base import VIEW_SIZE, check_view_size

VEC_ENV_KINDS: tuple[str, ...] = ("dummy", "subproc")
BACKENDS: tuple[str, ...] = ("auto", "envpool", "gymnasium")


# it takes the option, and then writes its own square into the room for another (version 1.2.5)
_ONE_VIEW = f"envpool has views of {VIEW_SIZE} x {VIEW_SIZE} alone"


@dataclass(frozen=True)
class BackendChoice:
    """The backend taken and why, in one line for the log."""

    name: str
    reason: str


def choose_backend(
    env_id: str, backend: str = "auto", agent_view_size: int = VIEW_SIZE
) -> BackendChoice:
    """Decide which backend runs an environment.

    Args:
        env_id: Gymnasium id.
        backend: ``auto`` takes EnvPool where it is installed and knows the id; Box-World and Recall
            are always stepped by numpy.
        agent_view_size: Side of the square that the agent sees; EnvPool has 7 alone.

    Raises:
        EnvironmentConfigError: The id or the backend is unknown, or the backend cannot run the id
            with that view.
    """
    if backend not in BACKENDS:
        raise EnvironmentConfigError(
            f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}"
        )
    check_environment(env_id)
    world = find_world(env_id)
    if world is not None:
        return _require_auto(env_id, world, backend, agent_view_size)
    check_view_size(agent_view_size)
    if backend == "envpool":
        return _require_envpool(env_id, agent_view_size)
    if backend == "gymnasium":
        return _require_gymnasium(env_id)
    if not envpool_installed():
        return BackendChoice(
            "gymnasium", "envpool is not installed (pip install 'rl-attention[fast]')"
        )
    if env_id not in envpool_ids():
        return BackendChoice("gymnasium", f"envpool does not know {env_id}")
    if agent_view_size != VIEW_SIZE:
        return BackendChoice("gymnasium", f"{_ONE_VIEW}, not agent_view_size {agent_view_size}")
    return BackendChoice("envpool", f"envpool is installed and knows {env_id}")


def _require_auto(env_id: str, world: World, backend: str, agent_view_size: int) -> BackendChoice:
    if agent_view_size != VIEW_SIZE:
        raise EnvironmentConfigError(
            f"agent_view_size: expected {VIEW_SIZE} for {env_id}, whose sight is always the same, "
            f"got {agent_view_size!r}: leave it out"
        )
    if backend != "auto":
        raise EnvironmentConfigError(
            f"backend {backend!r} was asked for, but {env_id} is stepped by numpy alone; use "
            "backend 'auto'"
        )
    return BackendChoice("numpy", f"{world.title} is stepped by numpy, all environments at once")


def _require_envpool(env_id: str, agent_view_size: int) -> BackendChoice:
    if not envpool_installed():
        raise EnvironmentConfigError(
            "backend 'envpool' was asked for, but envpool is not installed; "
            "run pip install 'rl-attention[fast]' or use backend 'gymnasium'"
        )
    if env_id not in envpool_ids():
        raise EnvironmentConfigError(
            f"backend 'envpool' was asked for, but envpool does not know {env_id}; "
            "use backend 'gymnasium'"
        )
    if agent_view_size != VIEW_SIZE:
        raise EnvironmentConfigError(
            f"backend 'envpool' was asked for with agent_view_size {agent_view_size}, but "
            f"{_ONE_VIEW}; use backend 'gymnasium'"
        )
    return BackendChoice("envpool", "asked for")


def _require_gymnasium(env_id: str) -> BackendChoice:
    if env_id not in gymnasium_ids():
        raise EnvironmentConfigError(
            f"backend 'gymnasium' was asked for, but minigrid does not register {env_id}; "
            "use backend 'envpool'"
        )
    return BackendChoice("gymnasium", "asked for")
