"""Two ways to run MiniGrid and BabyAI, and which of them to take; Box-World has its own."""

from dataclasses import dataclass

from rl_attention_envs.box_world.presets import is_box_world
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.registry import (
    check_environment,
    envpool_ids,
    envpool_installed,
    gymnasium_ids,
)

VEC_ENV_KINDS: tuple[str, ...] = ("dummy", "subproc")
BACKENDS: tuple[str, ...] = ("auto", "envpool", "gymnasium")


@dataclass(frozen=True)
class BackendChoice:
    """The backend taken and why, in one line for the log."""

    name: str
    reason: str


def choose_backend(env_id: str, backend: str = "auto") -> BackendChoice:
    """Decide which backend runs an environment.

    Args:
        env_id: Gymnasium id.
        backend: ``auto`` takes EnvPool where it is installed and knows the id; Box-World is always
            stepped by numpy.

    Raises:
        EnvironmentConfigError: The id or the backend is unknown, or the backend cannot run the id.
    """
    if backend not in BACKENDS:
        raise EnvironmentConfigError(
            f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}"
        )
    check_environment(env_id)
    if is_box_world(env_id):
        return _require_auto(env_id, backend)
    if backend == "envpool":
        return _require_envpool(env_id)
    if backend == "gymnasium":
        return _require_gymnasium(env_id)
    if not envpool_installed():
        return BackendChoice(
            "gymnasium", "envpool is not installed (pip install 'rl-attention[fast]')"
        )
    if env_id not in envpool_ids():
        return BackendChoice("gymnasium", f"envpool does not know {env_id}")
    return BackendChoice("envpool", f"envpool is installed and knows {env_id}")


def _require_auto(env_id: str, backend: str) -> BackendChoice:
    if backend != "auto":
        raise EnvironmentConfigError(
            f"backend {backend!r} was asked for, but {env_id} is stepped by numpy alone; use "
            "backend 'auto'"
        )
    return BackendChoice("numpy", "Box-World is stepped by numpy, all environments at once")


def _require_envpool(env_id: str) -> BackendChoice:
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
    return BackendChoice("envpool", "asked for")


def _require_gymnasium(env_id: str) -> BackendChoice:
    if env_id not in gymnasium_ids():
        raise EnvironmentConfigError(
            f"backend 'gymnasium' was asked for, but minigrid does not register {env_id}; "
            "use backend 'envpool'"
        )
    return BackendChoice("gymnasium", "asked for")
