"""Word ids to tokens."""

import numpy as np
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import LearnedPositions, Words, feed_forward, layout_of
from rl_attention.tokenizers.columns import ColumnEncoder
from rl_attention.tokenizers.distinct import distinct_rows
from rl_attention.tokenizers.places import grid_places
from rl_attention.tokenizers.tokens import read_mask

MAX_WORDS = 65536
"""Largest vocabulary: a Box with wider bounds has none."""


class WordTokenizer(nn.Module):
    """One token a word: its vector and its place, mixed by a feed-forward layer.

    The feed-forward layer makes "third word, blue" a thing of its own, so that even a plain mean
    over the words (the control arms' way to read them) keeps their order.

    Args:
        space: `Box(W,)` of word ids.
        width: Size `D` of a token.

    Raises:
        UserError: The bounds leave room for more than `MAX_WORDS` words.
    """

    places: Tensor

    def __init__(self, space: spaces.Box, width: int) -> None:
        super().__init__()
        low, high = int(space.low.min()), int(space.high.max())
        if high - low >= MAX_WORDS:
            raise UserError(
                f"observation key 'mission' must hold word ids of a vocabulary of at most "
                f"{MAX_WORDS} words, got bounds {low} to {high}: declare the true bounds"
            )
        self.padding = low - 1.0
        column = spaces.Box(low, high, (space.shape[0], 1), dtype=np.int64)
        self.encoder = ColumnEncoder(column, width, name="mission", max_symbols=MAX_WORDS)
        self.positions = LearnedPositions((space.shape[0],), width)
        self.register_buffer("places", grid_places(space.shape[0]), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.mix = feed_forward(width, width)

    def forward(self, ids: Tensor, mask: Tensor | None) -> Words:
        """Encode each distinct mission of a batch once.

        A batch holds few missions, many times each.

        Args:
            ids: Word ids, `B W`.
            mask: `B W`; None where id 0 alone is padding.

        Returns:
            The words of the `M` distinct missions, and which of them each row has.

        Raises:
            UserError: An id lies outside the bounds of the space, or a flag is neither 0 nor 1.
        """
        real = ids != 0 if mask is None else read_mask(mask, name="mission_mask")
        # an id that is no word marks padding, so that one tensor tells missions apart
        marked = ids.float().masked_fill(~real, self.padding)
        first, mission = distinct_rows(marked)
        ids = marked.index_select(0, first)
        layout = layout_of(ids != self.padding)
        tokens = self.encoder(layout.pack(ids)[:, None])
        tokens = tokens + self.positions(self.places.index_select(0, layout.slot))
        return Words(tokens + self.mix(self.norm(tokens)), layout, mission)
