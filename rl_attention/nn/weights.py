"""Weights: from the scores of a query to a distribution over the real keys.

Axes: `B` batch, `H` heads, `Q` query tokens, `K` key tokens. A mask says which keys a query may
read; any of its axes but the last may be 1. Every member gives zeros to keys that may not be read
and to rows without any other, and its gradients are finite there.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Weight every key that may be read by the exponential of its score.

    Args:
        scores: `B H Q K`.
        mask: `B H Q K` or fewer, True where a key may be read.

    Returns:
        Weights, `B H Q K`, all above 0 where a key may be read.
    """
    hidden = ~mask
    # the lowest finite score instead of -inf: a fully masked row then has a softmax to erase
    weights = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return weights.masked_fill(hidden, 0.0)


def block(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Make what to add to scores so that a softmax gives nothing to keys that may not be read.

    Adding costs a fraction of filling, and what is added is as good for all layers and heads.

    Args:
        mask: `B H Q K` or fewer, True where a key may be read.
        dtype: Type of the scores.

    Returns:
        0 where a key may be read, and half the lowest number there is where not: added to a score,
        it stays finite.
    """
    nothing = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return nothing.masked_fill(~mask, torch.finfo(dtype).min / 2)


def blocked_softmax(scores: Tensor, blocked: Tensor) -> Tensor:
    """Weight every key that is not blocked by the exponential of its score.

    A row without any key that may be read gets weights that mean nothing, where `masked_softmax`
    gives zeros.

    Args:
        scores: `B H Q K`.
        blocked: What `block` gives.

    Returns:
        Weights, `B H Q K`.
    """
    return (scores + blocked).softmax(dim=-1)


def masked_sparsemax(scores: Tensor, mask: Tensor) -> Tensor:
    """Project the scores onto the distributions: low scores get a weight of exactly 0.

    Source: Martins & Astudillo 2016, "From Softmax to Sparsemax", algorithm 1.

    Args:
        scores: `B H Q K`.
        mask: `B H Q K` or fewer, True where a key may be read.

    Returns:
        Weights, `B H Q K`.
    """
    hidden = ~mask
    lowest = torch.finfo(scores.dtype).min
    best = scores.detach().masked_fill(hidden, lowest).amax(dim=-1, keepdim=True)
    # a score that is 1 or more below the best gets no weight, so how far below does not matter
    below = (scores - best).masked_fill(hidden, -2.0).clamp(min=-2.0)
    ordered = below.sort(dim=-1, descending=True).values
    total = ordered.cumsum(dim=-1)
    rank = torch.arange(1, below.shape[-1] + 1, dtype=below.dtype, device=below.device)
    # at least 1, also where a score is NaN
    size = (1 + rank * ordered > total).sum(dim=-1, keepdim=True).clamp(min=1)
    threshold = (total.gather(-1, size - 1) - 1) / size
    return (below - threshold).clamp(min=0.0).masked_fill(hidden, 0.0)


def masked_topk(scores: Tensor, mask: Tensor, top_k: int) -> Tensor:
    """Keep the `top_k` best keys and share their softmax weights anew: hard attention.

    The gradient is that of the whole softmax, so that a key that is not kept can come back
    (straight-through: Bengio et al. 2013, "Estimating or Propagating Gradients Through Stochastic
    Neurons").

    Args:
        scores: `B H Q K`.
        mask: `B H Q K` or fewer, True where a key may be read.
        top_k: How many keys each query keeps; all where it may read fewer.

    Returns:
        Weights, `B H Q K`, 0 on all but `top_k` keys.
    """
    soft = masked_softmax(scores, mask)
    fixed = scores.detach()
    reachable = fixed.masked_fill(~mask, torch.finfo(fixed.dtype).min)
    best = reachable.topk(min(top_k, fixed.shape[-1]), dim=-1).indices
    kept = torch.zeros_like(fixed, dtype=torch.bool).scatter(-1, best, True) & mask
    return masked_softmax(fixed, kept) + (soft - soft.detach())


def uniform_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Weight every key alike: the control that attention has to beat.

    Args:
        scores: `B H Q K`; only its shape and type matter.
        mask: `B H Q K` or fewer, True where a key may be read.

    Returns:
        Weights, `B H Q K`.
    """
    real = mask.to(scores.dtype)
    share = real / real.sum(dim=-1, keepdim=True).clamp(min=1.0)
    return share.expand_as(scores)


def pair_softmax(scores: Tensor, query: Tensor, n_queries: int) -> Tensor:
    """Weight listed pairs by the exponential of their scores, shared among those of one query.

    Args:
        scores: `P H`.
        query: The query of each pair, `P`.
        n_queries: How many queries there are.

    Returns:
        Weights, `P H`.
    """
    size = (n_queries, scores.shape[1])
    lowest = torch.finfo(scores.dtype).min
    wide = query[:, None].expand(scores.shape)
    fixed = scores.detach()
    best = fixed.new_full(size, lowest).scatter_reduce(0, wide, fixed, "amax")
    raised = (scores - best.index_select(0, query)).exp()
    total = raised.new_zeros(size).index_add(0, query, raised)
    return raised / total.index_select(0, query)


def pair_uniform(scores: Tensor, query: Tensor, n_queries: int) -> Tensor:
    """Weight listed pairs alike, shared among those of one query; see `pair_softmax`."""
    count = torch.bincount(query, minlength=n_queries).to(scores.dtype)
    return (1.0 / count.index_select(0, query))[:, None].expand(scores.shape)


PAIR_WEIGHTS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "softmax": pair_softmax,
    "uniform": pair_uniform,
}
"""From the name of a kind of weights to its function of listed pairs, where it has one."""

WEIGHTS: dict[str, Callable[..., Tensor]] = {
    "softmax": masked_softmax,
    "sparsemax": masked_sparsemax,
    "topk": masked_topk,
    "uniform": uniform_weights,
}
"""From the name of a kind of weights to its function."""
