"""The last frames of several episodes that run side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.history.spaces import KEYS, nothing_of

Arrays: TypeAlias = dict[str, NDArray[Any]]


class Window:
    """The last `T` frames of each environment, oldest first; nothing before an episode's start.

    Each step makes new arrays, and what was shown before stays as it is for ever: Stable-Baselines3
    keeps an observation until after the next step. The arrays shown last are the memory, as in
    `VecFrameStack`.

    Args:
        space: Observations with a history.
        n_envs: Environments, `B`.

    Attributes:
        shown: From each of `KEYS` to `B T ...`.
    """

    def __init__(self, space: spaces.Dict, n_envs: int) -> None:
        self._nothing = {key: nothing_of(space.spaces[key]) for key in KEYS}
        self.shown: Arrays = {}
        for key, nothing in self._nothing.items():
            self.shown[key] = np.repeat(nothing[None], n_envs, axis=0)

    def begin(self, newest: Mapping[str, NDArray[Any]]) -> None:
        """Begin an episode everywhere.

        Args:
            newest: The first frames, `B ...` by key.
        """
        self.slide(newest, slice(None))

    def slide(
        self,
        newest: Mapping[str, NDArray[Any]],
        begun: Sequence[int] | NDArray[np.intp] | slice,
    ) -> None:
        """Show one more frame, and no longer the oldest.

        Args:
            newest: The frames, `B ...` by key.
            begun: Environments of which it is the first frame of an episode.
        """
        shown = {}
        for key, before in self.shown.items():
            after = np.empty_like(before)
            after[:, :-1] = before[:, 1:]
            after[begun, :-1] = self._nothing[key][:-1]
            after[:, -1] = newest[key]
            shown[key] = after
        self.shown = shown

    def ending(self, index: int, newest: Mapping[str, NDArray[Any]]) -> Arrays:
        """Show what one environment would show with one more frame; nothing changes.

        Args:
            index: The environment.
            newest: The frame, by key.
        """
        return self._with(index, slice(1, None), newest)

    def instead(self, index: int, newest: Mapping[str, NDArray[Any]]) -> Arrays:
        """Show what one environment would show with another newest frame; nothing changes.

        Args:
            index: The environment.
            newest: The frame, by key; what is not given stays.
        """
        return self._with(index, slice(0, -1), newest)

    def _with(self, index: int, kept: slice, newest: Mapping[str, NDArray[Any]]) -> Arrays:
        found = {}
        for key, shown in self.shown.items():
            found[key] = shown[index].copy()
            found[key][:-1] = shown[index, kept]
            if key in newest:
                found[key][-1] = newest[key]
        return found
