"""The view ``entities``: one row for each thing in sight."""

from typing import Any

import numpy as np
from gymnasium import spaces

from rl_attention_envs.recall.episodes import COLUMNS
from rl_attention_envs.recall.rules import State
from rl_attention_envs.recall.symbols import PADDING, SIDE, TYPES, label
from rl_attention_envs.recall.views.base import RecallView, cells_of
from rl_attention_envs.worlds.views import Arrays, TokenNames


class EntitiesView(RecallView):
    """A padded set of things.

    Keys: ``entities`` `N 5` (type, colour, state, right and forward of the observer) in no
    particular order, and ``mask`` `N`, 1 = there is one. Padding is all zero and comes last.
    """

    def _own_spaces(self) -> dict[str, spaces.Space[Any]]:
        count, far = self.max_entities, SIDE // 2
        low = np.array([0, 0, 0, -far, 0], np.int8)
        high = np.array([*self.code_high, far, SIDE - 1], np.int8)
        return {
            "entities": spaces.Box(
                np.tile(low, (count, 1)), np.tile(high, (count, 1)), dtype=np.int8
            ),
            "mask": spaces.MultiBinary(count),
        }

    def encode(self, state: State) -> Arrays:
        """Show environments.

        Args:
            state: The environments.

        Returns:
            New arrays that share no memory with the state, with a leading axis `B`.
        """
        things = state.shown()
        batch, count, _ = things.shape
        entities = np.zeros((batch, self.max_entities, len(COLUMNS)), np.int8)
        entities[:, :count] = things
        return {"entities": entities, "mask": (entities[..., 0] != PADDING).astype(np.int8)}

    def name_tokens(self, state: State) -> TokenNames:
        """Tell what the tokens show.

        Args:
            state: The environments.
        """
        entities = self.encode(state)["entities"]
        row, column = cells_of(entities)
        there = entities[..., 0] != PADDING
        boxes = np.stack([column, row, column + 1, row + 1], axis=-1) * there[..., None]
        labels = np.zeros(there.shape, "<U32")
        for token in zip(*np.nonzero(there), strict=True):
            labels[token] = label(*entities[token][:3].tolist())
        types = np.array(TYPES, "<U16")[entities[..., 0]]
        return TokenNames(boxes.astype(np.int32), types, labels)
