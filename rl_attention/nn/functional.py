"""Sums and products of tokens as pure functions.

Axes: `B` batch, `H` heads, `Q` query tokens, `K` key tokens, `D` size of one head.
Masks are boolean, True for a real token. A single query is multiplied out element by element: on a
CPU a batched product of thousands of one-row matrices costs ten times as much.
"""

import torch
from torch import Tensor


def dot_product(query: Tensor, key: Tensor) -> Tensor:
    """Multiply every query with every key.

    Args:
        query: `B H Q D`.
        key: `B H K D`.

    Returns:
        Products, `B H Q K`.
    """
    if query.shape[-2] == 1:
        return (query * key).sum(dim=-1)[..., None, :]
    return query @ key.transpose(-2, -1)


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


def masked_max(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the largest number of the real tokens in each feature; zeros where there is none.

    Args:
        tokens: `B N D`.
        mask: `B N`, True for real tokens.

    Returns:
        The largest numbers, `B D`.
    """
    lowest = torch.finfo(tokens.dtype).min
    largest = tokens.masked_fill(~mask[..., None], lowest).amax(dim=1)
    return largest.masked_fill(~mask.any(dim=1)[:, None], 0.0)
