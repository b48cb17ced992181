"""Pre-norm Transformer blocks over tokens with a mask."""

from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.functional import blank_padding
from rl_attention.nn.linear import feed_forward


class SelfAttentionBlock(nn.Module):
    """Tokens read each other, then each passes a feed-forward layer; both are residual.

    Source: the pre-norm order of Xiong et al. 2020, "On Layer Normalization in the Transformer
    Architecture", which needs no warm-up of the learning rate.

    Args:
        width: Size `D` of a token.
        options: Heads, score and weights.
        feedforward: Hidden size of the feed-forward layer.
        segments: Names of the token axis, for the probe.
    """

    def __init__(
        self,
        width: int,
        *,
        options: AttentionOptions,
        feedforward: int,
        segments: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, options=options, queries=segments, keys=segments)
        self.feedforward_norm = nn.LayerNorm(width)
        self.feedforward = feed_forward(width, feedforward)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Map `B N D` to `B N D`; rows of padding come out finite and mean nothing."""
        tokens = blank_padding(tokens, mask)
        normed = self.norm(tokens)
        tokens = tokens + self.attention(normed, normed, mask, mask)
        return tokens + self.feedforward(self.feedforward_norm(tokens))


class CrossAttentionBlock(nn.Module):
    """Tokens of one kind read tokens of another, then pass a feed-forward layer.

    Args:
        width: Size `D` of a token.
        options: Heads, score and weights.
        feedforward: Hidden size of the feed-forward layer.
        queries: Segment names of the tokens that read, for the probe.
        keys: Segment names of the tokens that are read, for the probe.
    """

    def __init__(
        self,
        width: int,
        *,
        options: AttentionOptions,
        feedforward: int,
        queries: tuple[str, ...],
        keys: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, options=options, queries=queries, keys=keys)
        # uniform weights ask nothing: the norm of the query would have no effect
        self.norm = nn.Identity() if options.uniform else nn.LayerNorm(width)
        self.key_norm = nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.feedforward = feed_forward(width, feedforward)

    def forward(
        self,
        tokens: Tensor,
        key_tokens: Tensor,
        mask: Tensor,
        key_mask: Tensor,
        rows: Tensor | None = None,
    ) -> Tensor:
        """Let `tokens` read `key_tokens`.

        Args:
            tokens: `B Q D`.
            key_tokens: `M K D`.
            mask: `B Q`, True for real tokens.
            key_mask: `M K`, True for real tokens.
            rows: Which row of `key_tokens` each row of `tokens` reads, `B`; None where `M` is `B`.

        Returns:
            The tokens with what they read added, `B Q D`.
        """
        tokens = blank_padding(tokens, mask)
        normed_keys = self.key_norm(blank_padding(key_tokens, key_mask))
        tokens = tokens + self.attention(self.norm(tokens), normed_keys, mask, key_mask, rows)
        return tokens + self.feedforward(self.feedforward_norm(tokens))
