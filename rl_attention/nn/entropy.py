"""The entropy of attention as part of what is learned."""

import torch
from torch import Tensor


def entropy_bonus_gradient(weights: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
    """Return the gradient of the mean entropy of attention, in nats, along the weights.

    The mean is over all heads and over the rows of real queries where two keys or more are real.
    Only what keeps the sum of a row at 1 is given: its mean by the weights is 0. A weight of
    exactly 0 stays as it is: its slope is infinite.

    Args:
        weights: `B H Q K`.
        query_mask: `B Q`, True for real tokens.
        key_mask: `B K`, True for real tokens.

    Returns:
        The gradient, `B H Q K`.
    """
    fixed = weights.detach()
    counted = query_mask & (key_mask.sum(dim=1, keepdim=True) > 1)  # B Q
    n_rows = (counted.sum() * fixed.shape[1]).clamp(min=1)
    surprise = -fixed.clamp(min=torch.finfo(fixed.dtype).tiny).log()
    slope = (surprise - (fixed * surprise).sum(dim=-1, keepdim=True)) / n_rows
    return slope.masked_fill((fixed <= 0) | ~counted[:, None, :, None], 0.0)
