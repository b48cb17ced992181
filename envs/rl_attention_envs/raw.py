"""One python MiniGrid environment: its observation as bytes of fixed size, its resets, its success.

`backends/gymnasium.py` builds vectors of such environments, `wrappers.py` wraps a single one.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np

from rl_attention_envs.errors import EnvironmentConfigError

MISSION_BYTES = 512

RawObservation = dict[str, Any]


def raw_observation(observation: RawObservation) -> RawObservation:
    """Turn MiniGrid's observation into a raw one.

    Args:
        observation: ``image``, ``direction`` and ``mission`` as text.

    Returns:
        The same keys, the mission as zero-padded bytes.

    Raises:
        EnvironmentConfigError: The mission is too long.
    """
    mission = observation["mission"].encode("ascii")
    if len(mission) > MISSION_BYTES:
        raise EnvironmentConfigError(
            f"mission {observation['mission']!r} has {len(mission)} letters, more than the "
            f"{MISSION_BYTES} that a raw observation holds"
        )
    padded = np.frombuffer(mission.ljust(MISSION_BYTES, b"\0"), np.uint8)
    return {
        "image": observation["image"],
        "direction": np.int64(observation["direction"]),
        "mission": padded,
    }


def is_success(*, terminated: bool, reward: float) -> bool:
    """Tell whether an episode that has just ended reached its goal."""
    return bool(terminated and reward > 0)


@contextlib.contextmanager
def clean_reset(env_id: str) -> Iterator[None]:
    """Make a reset silent, and say clearly what minigrid cannot build.

    Args:
        env_id: The environment that is reset, for the message.

    Raises:
        EnvironmentConfigError: MiniGrid cannot make the grid.
    """
    try:
        # BabyAI prints a line for every grid it throws away
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (FileNotFoundError, gymnasium.error.DependencyNotInstalled) as error:
        raise EnvironmentConfigError(
            f"{env_id} cannot be run by the installed minigrid, whose package lacks the "
            "pattern pictures of the WFC environments; use backend 'envpool' "
            "(pip install 'rl-attention[fast]')"
        ) from error
