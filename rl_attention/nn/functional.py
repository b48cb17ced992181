"""Sums over packed rows of tokens."""

import torch
from torch import Tensor

from rl_attention.nn.ragged import Layout, PaddedLayout


def row_mean(tokens: Tensor, layout: Layout) -> Tensor:
    """Average the tokens of each row; zeros where there is none.

    Args:
        tokens: Packed, `T D`.
        layout: Where they stand.

    Returns:
        The means, `B D`.
    """
    if isinstance(layout, PaddedLayout):
        total = layout.pad(tokens).sum(dim=1)
    else:
        total = tokens.new_zeros(layout.n_rows, tokens.shape[1]).index_add(0, layout.row, tokens)
    return total / layout.mask.sum(dim=1, keepdim=True).clamp(min=1).to(total.dtype)


def row_max(tokens: Tensor, layout: Layout) -> Tensor:
    """Take the largest number of each row in each feature; zeros where there is no token.

    Args:
        tokens: Packed, `T D`.
        layout: Where they stand.

    Returns:
        The largest numbers, `B D`.
    """
    largest = layout.pad(tokens, torch.finfo(tokens.dtype).min).amax(dim=1)
    return largest.masked_fill(~layout.mask.any(dim=1)[:, None], 0.0)
