"""Scores: how well a key answers a query.

Every score compares pairs (`of_pairs`: packed queries and keys, one below the other) and all
queries with all keys (`of_all`). Axes: `B` batch, `H` heads, `Q` query tokens, `K` key tokens, `P`
pairs, `D` size of one head.
"""

import math

import torch
from torch import Tensor, nn

_SMALL = 1e-6


class DotProduct(nn.Module):
    """`q . k`: grows with the size of the head, so that weights are sharp from the start.

    Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation".

    Args:
        n_heads: `H`.
        head_size: `D`.
    """

    multiplies = True  # all queries are compared with all keys by one product of matrices

    def __init__(self, *, n_heads: int, head_size: int) -> None:
        super().__init__()

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys, `T H D` each, before they are compared."""
        return query, key

    def of_pairs(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `P H D` against `P H D`: `P H`."""
        return (query * key).sum(dim=-1)

    def of_all(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `B H Q D` against `B H K D`: `B H Q K`."""
        return query @ key.transpose(-2, -1)


class ScaledDotProduct(DotProduct):
    """`q . k / sqrt(D)`: scores that start with a variance of about one.

    Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1.

    Args:
        n_heads: `H`.
        head_size: `D`.
    """

    def __init__(self, *, n_heads: int, head_size: int) -> None:
        super().__init__(n_heads=n_heads, head_size=head_size)
        self.scale = 1.0 / math.sqrt(head_size)

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys, `T H D` each, before they are compared."""
        return query * self.scale, key


class Cosine(DotProduct):
    """The angle between query and key, times a learned inverse temperature for each head.

    The inverse temperature starts at `sqrt(D)`, where scores have a variance of about one.

    Source: Graves et al. 2014, "Neural Turing Machines", equations 5 and 6.

    Args:
        n_heads: `H`.
        head_size: `D`.
    """

    def __init__(self, *, n_heads: int, head_size: int) -> None:
        super().__init__(n_heads=n_heads, head_size=head_size)
        start = math.log(math.sqrt(head_size))
        self.log_sharpness = nn.Parameter(torch.full((n_heads, 1), start))

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys, `T H D` each, before they are compared."""
        return _unit(query) * self.log_sharpness.exp(), _unit(key)


class Additive(nn.Module):
    """`v . tanh(q + k)`: a small network scores each pair.

    Source: Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
    Translate", appendix A.1.2; the two projections of the formula are those of query and key.

    Args:
        n_heads: `H`.
        head_size: `D`.
    """

    multiplies = False

    def __init__(self, *, n_heads: int, head_size: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.randn(n_heads, head_size) / math.sqrt(head_size))

    def prepare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Change queries and keys, `T H D` each, before they are compared."""
        return query, key

    def of_pairs(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `P H D` against `P H D`: `P H`."""
        return (torch.tanh(query + key) * self.direction).sum(dim=-1)

    def of_all(self, query: Tensor, key: Tensor) -> Tensor:
        """Score `B H Q D` against `B H K D`: `B H Q K`."""
        pairs = torch.tanh(query[:, :, :, None] + key[:, :, None])  # B H Q K D
        return (pairs * self.direction[:, None, None]).sum(dim=-1)


SCORES: dict[str, type[DotProduct | ScaledDotProduct | Additive | Cosine]] = {
    "scaled_dot_product": ScaledDotProduct,
    "dot_product": DotProduct,
    "additive": Additive,
    "cosine": Cosine,
}
"""From the name of a score to its module."""


def _unit(vectors: Tensor) -> Tensor:
    # smooth at zero, where the norm itself has no second derivative
    return vectors / (vectors.square().sum(dim=-1, keepdim=True) + _SMALL).sqrt()
