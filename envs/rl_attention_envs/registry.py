"""Which environments there are, and which backend can run each."""

import difflib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache

from rl_attention_envs import memory_cue
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.own_worlds import WORLDS, find_world, own_ids
from rl_attention_envs.vocabulary import mission_bounds

FAMILIES: tuple[str, ...] = ("MiniGrid-", "BabyAI-")


@dataclass(frozen=True)
class EnvironmentInfo:
    """What is known of an environment without building it.

    Attributes:
        env_id: Gymnasium id.
        family: ``MiniGrid``, ``BabyAI``, ``MemoryCue``, ``BoxWorld`` or ``Recall``.
        backends: Names of the backends that know the id, the fastest first.
        words: Word slots of its missions; 0: it has none.
    """

    env_id: str
    family: str
    backends: tuple[str, ...]
    words: int


def envpool_installed() -> bool:
    """Tell whether the optional package envpool can be imported."""
    return importlib.util.find_spec("envpool") is not None


@lru_cache(maxsize=1)
def gymnasium_ids() -> frozenset[str]:
    """Return the ids that python MiniGrid runs: those it registers, and ours on top of it."""
    import gymnasium
    import minigrid  # noqa: F401  importing it registers the ids

    known = frozenset(name for name in gymnasium.registry if name.startswith(FAMILIES))
    return known | memory_cue.PRESETS.keys()


@lru_cache(maxsize=1)
def envpool_ids() -> frozenset[str]:
    """Return the ids that EnvPool knows; none where it is not installed."""
    if not envpool_installed():
        return frozenset()
    import envpool

    return frozenset(name for name in envpool.list_all_envs() if name.startswith(FAMILIES))


def list_environments() -> list[EnvironmentInfo]:
    """Return every environment that some backend can run, by name."""
    fast, reference = envpool_ids(), gymnasium_ids()
    own = [
        EnvironmentInfo(env_id, family, ("numpy",), words=0)
        for family, world in WORLDS.items()
        for env_id in world.presets
    ]
    grids = [
        EnvironmentInfo(
            env_id=env_id,
            family=env_id.split("-")[0],
            backends=("envpool",) * (env_id in fast) + ("gymnasium",) * (env_id in reference),
            words=mission_bounds(env_id).words,
        )
        for env_id in sorted(fast | reference)
    ]
    return sorted(own + grids, key=lambda info: info.env_id)


def check_environment(env_id: str) -> None:
    """Make sure that an id is one of ``list_environments``.

    Args:
        env_id: The id to look up.

    Raises:
        EnvironmentConfigError: Nothing is registered under the id; the nearest ids are named.
    """
    if find_world(env_id) is not None:
        return
    known = gymnasium_ids() | envpool_ids() | set(own_ids())
    if env_id in known:
        return
    near = difflib.get_close_matches(env_id, sorted(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`rl-attention envs` lists them all"
    raise EnvironmentConfigError(
        "expected the id of a MiniGrid, BabyAI, MemoryCue, BoxWorld or Recall environment, got "
        f"{env_id[:80]!r}: {hint}"
    )
