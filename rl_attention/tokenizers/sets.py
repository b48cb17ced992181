"""The set of an observation to tokens: entities, grid cells, image patches."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import GridPositions, Linear
from rl_attention.tokenizers.columns import ColumnEncoder
from rl_attention.tokenizers.tokens import Tokens, last_real, read_mask


class EntityTokenizer(nn.Module):
    """One token a row of `Box(N, F)`; the order of the rows carries nothing.

    Args:
        space: The Box.
        width: Size `D` of a token.
        patch_size: Not used here.
    """

    def __init__(self, space: spaces.Box, width: int, *, patch_size: int) -> None:
        super().__init__()
        self.n_tokens: int = space.shape[0]
        self.encoder = ColumnEncoder(space, width, name="entities")

    def forward(self, values: Tensor, mask: Tensor | None) -> Tokens:
        """Map `B N F` and a mask `B N` (None: all real) to tokens.

        Rows that are padding in the whole batch are left out, so that they cost nothing.
        """
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        used = last_real(real)
        values, real = values[:, :used], real[:, :used]
        return Tokens(self.encoder(values, real), real)


class CellTokenizer(nn.Module):
    """One token a cell of `Box(H, W, C)` symbols, with its place in the grid added.

    Args:
        space: The Box.
        width: Size `D` of a token.
        patch_size: Not used here.
    """

    def __init__(self, space: spaces.Box, width: int, *, patch_size: int) -> None:
        super().__init__()
        self.rows, self.columns = space.shape[:2]
        self.n_tokens: int = self.rows * self.columns
        self.encoder = ColumnEncoder(space, width, name="cells")
        self.positions = GridPositions(self.rows, self.columns, width)

    def forward(self, values: Tensor, mask: Tensor | None) -> Tokens:
        """Map `B H W C` and a mask `B H*W` (None: all real) to tokens, row by row."""
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        cells = self.encoder(values.flatten(start_dim=1, end_dim=2), real)
        return Tokens(self.positions(cells), real)


class PatchTokenizer(nn.Module):
    """One token a square patch of an image, with its place added.

    The image comes as Stable-Baselines3 hands it over: scaled to 0..1, channels first. A space
    whose channels are last (no `VecTransposeImage` in between) is read as it is.

    Args:
        space: The Box of the image, as the extractor gets it.
        width: Size `D` of a token.
        patch_size: Rows and columns of a patch; must divide the image.

    Raises:
        UserError: The patch does not divide the image, or no axis looks like channels.
    """

    def __init__(self, space: spaces.Box, width: int, *, patch_size: int) -> None:
        super().__init__()
        self.channels_first = _channels_first(space)
        shape = space.shape if self.channels_first else (space.shape[2], *space.shape[:2])
        channels, height, breadth = shape
        if height % patch_size or breadth % patch_size:
            raise UserError(
                f"patch_size must divide the image, got patch_size={patch_size} and an image of "
                f"{height} x {breadth}: set patch_size to a divisor"
            )
        self.patch_size = patch_size
        self.n_tokens: int = (height // patch_size) * (breadth // patch_size)
        self.linear = Linear(channels * patch_size**2, width)
        self.positions = GridPositions(height // patch_size, breadth // patch_size, width)

    def forward(self, values: Tensor, mask: Tensor | None) -> Tokens:
        """Map an image `B C H W` (or `B H W C`) to tokens, row by row."""
        images = values if self.channels_first else values.permute(0, 3, 1, 2)
        patches = nn.functional.unfold(images, self.patch_size, stride=self.patch_size)
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        return Tokens(self.positions(self.linear(patches.transpose(1, 2))), real)


SET_TOKENIZERS: dict[str, type[EntityTokenizer | CellTokenizer | PatchTokenizer]] = {
    "entities": EntityTokenizer,
    "cells": CellTokenizer,
    "pixels": PatchTokenizer,
}
"""From the kind of a set to its tokenizer."""


def _mask_or_all(mask: Tensor | None, batch: int, n_tokens: int, device: torch.device) -> Tensor:
    if mask is None:
        return torch.ones(batch, n_tokens, dtype=torch.bool, device=device)
    return read_mask(mask, name="mask")


def _channels_first(space: spaces.Box) -> bool:
    first, last = _few(space.shape[0], space.shape[1:]), _few(space.shape[2], space.shape[:2])
    if first == last:
        raise UserError(
            f"cannot tell the channels of an image of shape {space.shape}: put them first or "
            "last, at most 4 of them or a quarter of the rows and columns"
        )
    return first


def _few(channels: int, others: tuple[int, ...]) -> bool:
    """Tell whether an axis is short enough for channels; stacked frames have more than 4."""
    return channels <= max(4, min(others) // 4)
