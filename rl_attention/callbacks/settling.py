"""Curves that do not jump where all environments begin anew."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm


class Settling:
    """Keep quick episodes from standing for all, after a common beginning.

    Where every environment begins an episode at the same time, the quick ones end first, and quick
    ones are mostly successes: the mean of the last hundred would jump up. So nothing is told to
    Stable-Baselines3's windows until every environment has ended its first episode; then those
    firsts are told, one of each environment, and the others that ended meanwhile are left out.

    Args:
        n_envs: How many environments there are.
        until: Frames at which waiting ends in any case; an environment may take very long.
    """

    def __init__(self, n_envs: int, *, until: int) -> None:
        self._n_envs = n_envs
        self._until = until
        self._firsts: dict[int, tuple[Any, Any]] = {}

    def hold_back(
        self, model: BaseAlgorithm, scope: dict[str, Any], dones: NDArray[np.bool_]
    ) -> bool:
        """Take what ended in this step out of the infos, before the model looks at them.

        Args:
            model: The algorithm.
            scope: What it told its callbacks; holds `infos`.
            dones: Which environments ended an episode, `B`.

        Returns:
            Whether it is over.
        """
        for index in np.flatnonzero(dones):
            info = scope["infos"][index]
            told = info.pop("episode", None), info.pop("is_success", None)
            self._firsts.setdefault(int(index), told)
        if len(self._firsts) < self._n_envs and model.num_timesteps < self._until:
            return False
        for _, (episode, success) in sorted(self._firsts.items()):
            if episode is not None and model.ep_info_buffer is not None:
                model.ep_info_buffer.append(episode)
            if success is not None and model.ep_success_buffer is not None:
                model.ep_success_buffer.append(success)
        return True
