"""Attention as pure functions: scores, then weights, then the mix of values.

Axes: `B` batch, `H` heads, `Q` query tokens, `K` key tokens, `D` size of one head.
Masks are boolean, True for a real token. A single query is multiplied out element by element: on a
CPU a batched product of thousands of one-row matrices costs ten times as much.
"""

import math

import torch
from torch import Tensor


def scaled_dot_product(query: Tensor, key: Tensor) -> Tensor:
    """Score every query against every key, divided by the root of the head size.

    Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1.

    Args:
        query: `B H Q D`.
        key: `B H K D`.

    Returns:
        Scores, `B H Q K`.
    """
    scale = 1.0 / math.sqrt(query.shape[-1])
    if query.shape[-2] == 1:
        return (query * scale * key).sum(dim=-1)[..., None, :]
    return (query * scale) @ key.transpose(-2, -1)


def mix_values(weights: Tensor, value: Tensor) -> Tensor:
    """Sum the values by their weights.

    Args:
        weights: `B H Q K`.
        value: `B H K D`.

    Returns:
        What each query read, `B H Q D`.
    """
    if weights.shape[-2] == 1:
        return (weights.transpose(-2, -1) * value).sum(dim=-2, keepdim=True)
    return weights @ value


def masked_softmax(scores: Tensor, key_mask: Tensor) -> Tensor:
    """Turn scores into weights that sum to one over the real keys.

    A row without any real key gets zeros, not NaN and not uniform weights; gradients, also the
    second ones, stay finite there.

    Args:
        scores: `B H Q K`.
        key_mask: `B K`, True for real keys.

    Returns:
        Weights, `B H Q K`, exactly 0 on keys that are not real.
    """
    hidden = ~key_mask[:, None, None, :]
    # the lowest finite score instead of -inf: a fully masked row then has a softmax to erase
    weights = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return weights.masked_fill(hidden, 0.0)


def uniform_weights(
    key_mask: Tensor, *, n_heads: int, n_queries: int, dtype: torch.dtype
) -> Tensor:
    """Weight every real key alike: the control that attention has to beat.

    Args:
        key_mask: `B K`, True for real keys.
        n_heads: `H`.
        n_queries: `Q`.
        dtype: Type of the weights.

    Returns:
        Weights, `B H Q K`; a row without any real key gets zeros.
    """
    real = key_mask.to(dtype)
    share = real / real.sum(dim=-1, keepdim=True).clamp(min=1.0)
    return share[:, None, None, :].expand(-1, n_heads, n_queries, -1)


def blank_padding(tokens: Tensor, mask: Tensor) -> Tensor:
    """Put zeros where no real token is, so that padding (NaN too) reaches nothing.

    Args:
        tokens: `B N D`.
        mask: `B N`, True for real tokens.
    """
    return tokens.masked_fill(~mask[..., None], 0.0)


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Average the real tokens; zeros where there is none.

    Args:
        tokens: `B N D`.
        mask: `B N`, True for real tokens.

    Returns:
        The mean, `B D`.
    """
    total = blank_padding(tokens, mask).sum(dim=1)
    return total / mask.sum(dim=1, keepdim=True).clamp(min=1).to(total.dtype)
