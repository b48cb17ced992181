"""The view ``flat``: the vector of MiniGrid's own ``FlatObsWrapper``, number for number."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.missions import MissionCoder
from rl_attention_envs.views.base import Encoded, RawBatch, View, ViewSettings

_CHARACTERS = "abcdefghijklmnopqrstuvwxyz ,"
_LENGTH = 96


class FlatView(View):
    """The image's bytes followed by the mission, one-hot letter by letter.

    Args:
        settings: The sizes of the environment.

    Raises:
        EnvironmentConfigError: The environment has missions that the vector has no room for.
    """

    def __init__(self, settings: ViewSettings) -> None:
        super().__init__(settings)
        if settings.letters > _LENGTH:
            raise EnvironmentConfigError(
                f"the view 'flat' has room for missions of {_LENGTH} letters, but this environment "
                f"can ask for {settings.letters}; use the view 'entities' or 'cells'"
            )
        width = _LENGTH * len(_CHARACTERS)
        self.mission_coder = MissionCoder(_letters, width=width, dtype=np.uint8)
        shape = (settings.view_size**2 * 3 + width,)
        self.observation_space = spaces.Box(0, 255, shape, np.uint8)

    def encode(self, raw: RawBatch) -> Encoded:
        """Show a batch.

        Args:
            raw: The batch.
        """
        pixels = raw.image.reshape(len(raw.image), -1)
        return Encoded(np.concatenate([pixels, raw.missions], axis=1), None)

    def token_cells(self, observation: Any) -> NDArray[np.intp]:
        """Tell which cell of the view each token of an observation shows: a vector has none.

        Args:
            observation: What ``encode`` made of a batch.

        Returns:
            Indices into the flat view in picture order, -1 = padding, `B N`.
        """
        return np.zeros((len(observation), 0), np.intp)


def _letters(mission: str) -> NDArray[np.uint8]:
    one_hot = np.zeros((_LENGTH, len(_CHARACTERS)), np.uint8)
    for index, character in enumerate(mission.lower()):
        one_hot[index, _CHARACTERS.index(character)] = 1
    return one_hot.reshape(-1)
