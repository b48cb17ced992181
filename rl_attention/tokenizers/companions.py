"""What an observation says beside past frames: which steps there were, what was done, what came.

`HistoryVecEnv` gives all three; a space may have any of them, or none.
"""

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from rl_attention.errors import UserError


@dataclass(frozen=True)
class Companion:
    """A key with a row for each step.

    Attributes:
        key: The key.
        space: Its numbers as rows, `T A`.
    """

    key: str
    space: spaces.Box


@dataclass(frozen=True)
class Companions:
    """The keys beside past frames.

    Attributes:
        steps: The key that says which steps there were; None: all of them.
        actions: What was done before each step, if that is known.
        rewards: What came with each step, if that is known.
    """

    steps: str | None = None
    actions: Companion | None = None
    rewards: Companion | None = None

    @property
    def places(self) -> tuple[str | None, str | None, str | None]:
        """The keys of steps, actions and rewards, None where there is none."""
        numbers = (self.actions, self.rewards)
        actions, rewards = (None if part is None else part.key for part in numbers)
        return self.steps, actions, rewards

    @property
    def keys(self) -> tuple[str, ...]:
        """Those that are there."""
        return tuple(key for key in self.places if key is not None)


NO_COMPANIONS = Companions()
"""Nothing is known of the steps."""


def read_companions(space: spaces.Dict, key: str, n_steps: int) -> Companions:
    """Find the keys `<key>_steps`, `<key>_actions` and `<key>_rewards`.

    Args:
        space: The whole space.
        key: The key of the frames.
        n_steps: `T`.

    Raises:
        UserError: One has not a row for each step.
    """
    steps = f"{key}_steps"
    return Companions(
        steps if steps in space.spaces else None,
        _read_rows(space, f"{key}_actions", key, n_steps),
        _read_rows(space, f"{key}_rewards", key, n_steps),
    )


def _read_rows(space: spaces.Dict, key: str, of: str, n_steps: int) -> Companion | None:
    part = space.spaces.get(key)
    if part is None:
        return None
    if not isinstance(part, spaces.Box) or part.shape[:1] != (n_steps,) or 0 in part.shape:
        raise UserError(
            f"observation key {key!r} must be a Box with a row for each of the {n_steps} steps of "
            f"{of!r}, got {' '.join(str(part).split())}: reshape it, or give it another name"
        )
    low, high = (np.reshape(bounds, (n_steps, -1)) for bounds in (part.low, part.high))
    return Companion(key, spaces.Box(low, high, dtype=part.dtype))
