"""Multi-head attention, one code path in rollout and in training."""

from torch import Tensor, nn

from rl_attention.nn.functional import (
    blank_padding,
    masked_softmax,
    mix_values,
    scaled_dot_product,
    uniform_weights,
)
from rl_attention.nn.linear import Linear
from rl_attention.nn.probe import Probe

WEIGHTS = ("softmax", "uniform")


class MultiHeadAttention(nn.Module):
    """Each query token reads the key tokens, `n_heads` times side by side.

    Source: Vaswani et al. 2017, section 3.2.2. Scores are divided by the root of the head size. A
    query without any real key reads zeros.

    Args:
        width: Size `D` of a token.
        n_heads: Heads; must divide `width`.
        weights: `softmax` of scaled dot products, or `uniform`: every real key weighted alike,
            with no query and no key projection.
        queries: Segment names of the query axis, for the probe.
        keys: Segment names of the key axis, for the probe.

    Raises:
        ValueError: `n_heads` does not divide `width`, or `weights` is unknown.
    """

    def __init__(
        self,
        width: int,
        *,
        n_heads: int = 4,
        weights: str = "softmax",
        queries: tuple[str, ...],
        keys: tuple[str, ...],
    ) -> None:
        super().__init__()
        if n_heads < 1 or width % n_heads:
            raise ValueError(
                f"n_heads must divide width, got width={width} and n_heads={n_heads}: change either"
            )
        if weights not in WEIGHTS:
            raise ValueError(f"weights must be one of {', '.join(WEIGHTS)}, got {weights!r}")
        self.n_heads = n_heads
        self.uniform = weights == "uniform"
        if not self.uniform:
            self.query = Linear(width, width)
            self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.output = Linear(width, width)
        self.probe = Probe(queries, keys)

    def forward(
        self,
        query_tokens: Tensor,
        key_tokens: Tensor,
        query_mask: Tensor,
        key_mask: Tensor,
        rows: Tensor | None = None,
    ) -> Tensor:
        """Read the key tokens.

        Several rows of queries may read the same row of keys, which is then projected once.

        Args:
            query_tokens: `B Q D`.
            key_tokens: `M K D`.
            query_mask: `B Q`, True for real tokens.
            key_mask: `M K`, True for real tokens.
            rows: Which row of keys each row of queries reads, `B`; None where `M` is `B`.

        Returns:
            What each query read, `B Q D`.
        """
        key_tokens = blank_padding(key_tokens, key_mask)
        key = None if self.uniform else self._split(self.key(key_tokens))
        value = self._split(self.value(key_tokens))
        if rows is not None:
            key = None if key is None else key[rows]
            value, key_mask = value[rows], key_mask[rows]
        weights = self.probe(self._weights(query_tokens, key, key_mask), query_mask, key_mask)
        mixed = mix_values(weights, value)  # B H Q D/H
        read = self.output(mixed.transpose(1, 2).flatten(start_dim=2))  # B Q D
        return read.masked_fill(~key_mask.any(dim=1)[:, None, None], 0.0)

    def _weights(self, query_tokens: Tensor, key: Tensor | None, key_mask: Tensor) -> Tensor:
        if key is None:
            return uniform_weights(
                key_mask,
                n_heads=self.n_heads,
                n_queries=query_tokens.shape[1],
                dtype=query_tokens.dtype,
            )
        query = self._split(self.query(query_tokens))
        return masked_softmax(scaled_dot_product(query, key), key_mask)

    def _split(self, tokens: Tensor) -> Tensor:
        batch, n_tokens, _ = tokens.shape
        return tokens.view(batch, n_tokens, self.n_heads, -1).transpose(1, 2)  # B H N D/H
