"""From a set of tokens to one vector."""

import torch
from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.functional import blank_padding


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

    def forward(self, tokens: Tensor, mask: Tensor, asker: Tensor) -> Tensor:
        """Pool a set.

        Args:
            tokens: The set, `B N D`.
            mask: `B N`, True for real tokens.
            asker: The global token, `B D`.

        Returns:
            What was read, `B D`; zeros without any real token.
        """
        query = asker if self.attention.options.uniform else self.query_norm(asker + self.seed)
        query_mask = mask.new_ones(mask.shape[0], 1)
        normed = self.norm(blank_padding(tokens, mask))
        return self.attention(query[:, None], normed, query_mask, mask)[:, 0]
