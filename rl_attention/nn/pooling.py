"""From a set of tokens to one vector.

Every pooling maps packed tokens, `T D`, to `B D`; the order of the tokens has no effect, and a set
without any token gives zeros.
"""

import torch
from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.functional import row_max, row_mean
from rl_attention.nn.ragged import Layout
from rl_attention.nn.reading import read_set


class LearnedQueryPooling(nn.Module):
    """A learned query, moved by the global token, reads the set once.

    Source: pooling by multi-head attention, Lee et al. 2019, "Set Transformer", section 3.2, with
    one seed; the global token added to the seed lets the state of the agent and its mission ask.

    Args:
        width: Size `D` of a token.
        options: Heads, score and weights; uniform weights need no query.
        keys: Segment names of the set, for the probe.
    """

    def __init__(self, width: int, *, options: AttentionOptions, keys: tuple[str, ...]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, options=options, queries=("query",), keys=keys)
        if not options.uniform:
            self.query_norm = nn.LayerNorm(width)
            self.seed = nn.Parameter(torch.randn(width) / width**0.5)

    def forward(self, tokens: Tensor, layout: Layout, asker: Tensor) -> Tensor:
        """Pool a set.

        Args:
            tokens: The set, packed, `T D`.
            layout: Where its tokens stand.
            asker: The global token, `B D`.
        """
        query = asker if self.attention.options.uniform else self.query_norm(asker + self.seed)
        return self.attention(query, read_set(layout), self.norm(tokens))


class MeanPooling(nn.Module):
    """The mean of the tokens; nobody asks.

    Args:
        width: Size `D` of a token.
        options: Not used here.
        keys: Not used here.
    """

    def __init__(self, width: int, *, options: AttentionOptions, keys: tuple[str, ...]) -> None:
        super().__init__()

    def forward(self, tokens: Tensor, layout: Layout, asker: Tensor) -> Tensor:
        """Pool a set; see `LearnedQueryPooling`."""
        return row_mean(tokens, layout)


class MaxPooling(MeanPooling):
    """The largest number of the tokens in each feature; nobody asks."""

    def forward(self, tokens: Tensor, layout: Layout, asker: Tensor) -> Tensor:
        """Pool a set; see `LearnedQueryPooling`."""
        return row_max(tokens, layout)


POOLINGS: dict[str, type[LearnedQueryPooling | MeanPooling] | None] = {
    "learned_query": LearnedQueryPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "ego": None,
}
"""From the name of a pooling to its module; `ego` has none: the global token alone goes on."""
