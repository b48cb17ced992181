"""Multi-head attention, one code path in rollout and in training."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from rl_attention.nn.functional import blank_padding, mix_values
from rl_attention.nn.linear import Linear
from rl_attention.nn.probe import Probe
from rl_attention.nn.relations import Relation
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
        dropout: Share of the weights that is put to 0 in training mode.

    Raises:
        ValueError: A name is unknown, or a number out of range.
    """

    n_heads: int = 4
    score: str = "scaled_dot_product"
    weights: str = "softmax"
    top_k: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("score", SCORES), ("weights", WEIGHTS)):
            given = getattr(self, name)
            if given not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
        for name in ("n_heads", "top_k"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")

    @property
    def uniform(self) -> bool:
        """Whether every real key is weighted alike."""
        return self.weights == "uniform"


class Keys(NamedTuple):
    """Tokens that are read.

    Several rows of queries may read the same row of keys, which is then projected once.

    Attributes:
        tokens: `M K D`.
        mask: `M K`, True for real tokens.
        rows: Which row of keys each row of queries reads, `B`; None where `M` is `B`.
    """

    tokens: Tensor
    mask: Tensor
    rows: Tensor | None = None


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
        self, queries: Tensor, mask: Tensor, keys: Keys, relation: Relation | None = None
    ) -> Tensor:
        """Read the keys.

        Args:
            queries: The tokens that read, `B Q D`.
            mask: `B Q`, True for real tokens.
            keys: What they read, `M K D`.
            relation: Which key each query may read, and what is added to their scores; None: all
                and nothing. It needs as many queries as keys.

        Returns:
            What each query read, `B Q D`; zeros where it may read no key.
        """
        tokens, key_mask, rows = keys
        tokens = blank_padding(tokens, key_mask)
        key = None if self.options.uniform else self._split(self.key(tokens))
        value = self._split(self.value(tokens))
        if rows is not None:
            key = None if key is None else key[rows]
            value, key_mask = value[rows], key_mask[rows]
        allowed = key_mask[:, None, None, :]
        if relation is not None and relation.near is not None:
            allowed = allowed & relation.near[:, None]
        scores = self._scores(queries, key, key_mask, relation)
        weights = self.probe(self._weights(scores, allowed), mask, key_mask)
        if self.options.dropout:
            weights = F.dropout(weights, self.options.dropout, self.training)
        mixed = mix_values(weights, value)  # B H Q D/H
        read = self.output(mixed.transpose(1, 2).flatten(start_dim=2))  # B Q D
        return read.masked_fill(~allowed.any(dim=-1)[:, 0, :, None], 0.0)

    def _scores(
        self, queries: Tensor, key: Tensor | None, key_mask: Tensor, relation: Relation | None
    ) -> Tensor:
        if key is None:
            shape = (len(key_mask), self.options.n_heads, queries.shape[1], key_mask.shape[1])
            return queries.new_zeros(()).expand(shape)
        scores = self.score(self._split(self.query(queries)), key)
        if relation is None or relation.bias is None:
            return scores
        return scores + relation.bias

    def _weights(self, scores: Tensor, allowed: Tensor) -> Tensor:
        if self.options.weights == "topk":
            return masked_topk(scores, allowed, self.options.top_k)
        return WEIGHTS[self.options.weights](scores, allowed)

    def _split(self, tokens: Tensor) -> Tensor:
        batch, n_tokens, _ = tokens.shape
        return tokens.view(batch, n_tokens, self.options.n_heads, -1).transpose(1, 2)  # B H N D/H
