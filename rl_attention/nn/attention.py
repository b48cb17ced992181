"""Multi-head attention, one code path in rollout and in training."""

from dataclasses import dataclass

from torch import Tensor, nn

from rl_attention.nn.functional import blank_padding, mix_values
from rl_attention.nn.linear import Linear
from rl_attention.nn.probe import Probe
from rl_attention.nn.scores import SCORES
from rl_attention.nn.weights import WEIGHTS, masked_topk


@dataclass(frozen=True)
class AttentionOptions:
    """Which member of the family attends.

    Args:
        n_heads: Heads; must divide the width.
        score: A key of `SCORES`.
        weights: A key of `WEIGHTS`; `uniform` needs no score, no query and no key.
        top_k: Keys that each query keeps, for the weights `topk`.

    Raises:
        ValueError: A name is unknown, or a number below 1.
    """

    n_heads: int = 4
    score: str = "scaled_dot_product"
    weights: str = "softmax"
    top_k: int = 4

    def __post_init__(self) -> None:
        for name, known in (("score", SCORES), ("weights", WEIGHTS)):
            given = getattr(self, name)
            if given not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
        for name in ("n_heads", "top_k"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def uniform(self) -> bool:
        """Whether every real key is weighted alike."""
        return self.weights == "uniform"


class MultiHeadAttention(nn.Module):
    """Each query token reads the key tokens, `n_heads` times side by side.

    Source: Vaswani et al. 2017, section 3.2.2. A query without any real key reads zeros.

    Args:
        width: Size `D` of a token.
        options: Heads, score and weights.
        queries: Segment names of the query axis, for the probe.
        keys: Segment names of the key axis, for the probe.

    Raises:
        ValueError: The heads do not divide the width.
    """

    def __init__(
        self,
        width: int,
        *,
        options: AttentionOptions,
        queries: tuple[str, ...],
        keys: tuple[str, ...],
    ) -> None:
        super().__init__()
        n_heads = options.n_heads
        if width % n_heads:
            raise ValueError(
                f"n_heads must divide width, got width={width} and n_heads={n_heads}: change either"
            )
        self.options = options
        if not options.uniform:
            self.query = Linear(width, width)
            self.key = Linear(width, width)
            self.score = SCORES[options.score](n_heads=n_heads, head_size=width // n_heads)
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
        key = None if self.options.uniform else self._split(self.key(key_tokens))
        value = self._split(self.value(key_tokens))
        if rows is not None:
            key = None if key is None else key[rows]
            value, key_mask = value[rows], key_mask[rows]
        weights = self.probe(self._weights(query_tokens, key, key_mask), query_mask, key_mask)
        mixed = mix_values(weights, value)  # B H Q D/H
        read = self.output(mixed.transpose(1, 2).flatten(start_dim=2))  # B Q D
        return read.masked_fill(~key_mask.any(dim=1)[:, None, None], 0.0)

    def _weights(self, query_tokens: Tensor, key: Tensor | None, key_mask: Tensor) -> Tensor:
        options = self.options
        if key is None:
            shape = (len(key_mask), options.n_heads, query_tokens.shape[1], key_mask.shape[1])
            scores = query_tokens.new_zeros(()).expand(shape)
        else:
            scores = self.score(self._split(self.query(query_tokens)), key)
        if options.weights == "topk":
            return masked_topk(scores, key_mask, options.top_k)
        return WEIGHTS[options.weights](scores, key_mask)

    def _split(self, tokens: Tensor) -> Tensor:
        batch, n_tokens, _ = tokens.shape
        return tokens.view(batch, n_tokens, self.options.n_heads, -1).transpose(1, 2)  # B H N D/H
