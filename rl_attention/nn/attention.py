"""Multi-head attention, one code path in rollout and in training."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from rl_attention.nn.linear import Linear
from rl_attention.nn.probe import Probe
from rl_attention.nn.reading import PairReading, Reading
from rl_attention.nn.scores import SCORES
from rl_attention.nn.weights import PAIR_WEIGHTS, WEIGHTS, blocked_softmax, masked_topk


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
    def multiplies(self) -> bool:
        """Whether comparing all queries with all keys is one product of matrices."""
        return SCORES[self.score].multiplies

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
        keys: Segment names of the key axis, likewise; None: the queries read each other.

    Raises:
        ValueError: The heads do not divide the width.
    """

    def __init__(
        self,
        width: int,
        *,
        options: AttentionOptions,
        queries: tuple[str, ...],
        keys: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        n_heads = options.n_heads
        if width % n_heads:
            raise ValueError(
                f"n_heads must divide width, got width={width} and n_heads={n_heads}: change either"
            )
        self.options = options
        self.head_size = width // n_heads
        if not options.uniform:
            self.score = SCORES[options.score](n_heads=n_heads, head_size=self.head_size)
        # not "value": sb3-contrib's TRPO leaves out every parameter whose name holds that word
        if options.uniform:
            self.content = Linear(width, width)
        elif keys is None:
            self.query_key_content = Linear(width, width, parts=3)
        else:
            self.query = Linear(width, width)
            self.key_content = Linear(width, width, parts=2)
        self.output = Linear(width, width)
        self.probe = Probe(queries, queries if keys is None else keys)

    def forward(self, queries: Tensor, reading: Reading, keys: Tensor | None = None) -> Tensor:
        """Read the keys.

        Args:
            queries: The tokens that read, packed, `Tq D`.
            reading: Which of them reads which key.
            keys: The tokens that are read, packed, `Tk D`; None if the queries read each other.

        Returns:
            What each query read, `Tq D`; zeros where it may read no key.
        """
        query, key, value = self._project(queries, keys)
        read = self.output(reading.attend(self, query, key, value).flatten(start_dim=1))
        unread = reading.unread
        return read if unread is None else read.masked_fill(unread[:, None], 0.0)

    def values(self, queries: Tensor, keys: Tensor | None = None) -> Tensor:
        """Give what is weighed and summed of each key, `Tk H D/H`; see `forward`."""
        return self._project(queries, keys)[2]

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys before they are compared."""
        return self.score.prepare(query, key)

    def of_pairs(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `P H D` against `P H D`: `P H`."""
        return self.score.of_pairs(query, key)

    def of_all(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `B H Q D` against `B H K D`: `B H Q K`."""
        return self.score.of_all(query, key)

    def weigh(self, scores: Tensor, reading: Reading) -> Tensor:
        """Turn scores into weights along the last axis, 0 where a key is not allowed.

        Weights of queries that may read no key mean nothing.
        """
        if self.options.weights == "softmax":
            return blocked_softmax(scores, reading.blocked(scores.dtype))
        return self.weigh_masked(scores, reading.mask)

    def weigh_masked(self, scores: Tensor, allowed: Tensor) -> Tensor:
        """Turn scores into weights along the last axis, 0 where a key is not allowed."""
        if self.options.weights == "topk":
            return masked_topk(scores, allowed, self.options.top_k)
        return WEIGHTS[self.options.weights](scores, allowed)

    def weigh_pairs(self, scores: Tensor, pairs: PairReading) -> Tensor:
        """Turn the scores of listed pairs, `P H`, into weights."""
        if self.options.weights in PAIR_WEIGHTS:
            weigh = PAIR_WEIGHTS[self.options.weights]
            return weigh(scores, pairs.query, len(pairs.queries.row))
        rows = self.weigh_masked(pairs.as_rows(scores), pairs.filled[:, None])
        return pairs.of_rows(rows)

    def drop(self, weights: Tensor) -> Tensor:
        """Apply dropout, in training mode alone."""
        if not self.options.dropout:
            return weights
        return F.dropout(weights, self.options.dropout, self.training)

    def _project(
        self, queries: Tensor, keys: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor]:
        """Make queries, keys and values, `T H D/H` each, in as few products as there are inputs."""
        if self.options.uniform:
            (value,) = self._split(self.content(queries if keys is None else keys), 1)
            return None, None, value
        if keys is None:
            query, key, value = self._split(self.query_key_content(queries), 3)
        else:
            (query,) = self._split(self.query(queries), 1)
            key, value = self._split(self.key_content(keys), 2)
        return query, key, value

    def _split(self, projected: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Split `T parts*D` into `T H D/H` each."""
        size = (parts, self.options.n_heads, self.head_size)
        return projected.view(len(projected), *size).unbind(1)
