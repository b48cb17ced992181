"""The set of an observation to tokens: entities, grid cells, image patches, past frames."""

from dataclasses import dataclass

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import Linear
from rl_attention.tokenizers.columns import ColumnEncoder
from rl_attention.tokenizers.places import ColumnPlaces, grid_places, make_position_code
from rl_attention.tokenizers.tokens import Tokens, last_real, read_mask


@dataclass(frozen=True)
class TokenOptions:
    """How a set becomes tokens.

    Args:
        width: Size `D` of a token.
        patch_size: Rows and columns of a patch, for images.
        position: How tokens say where they are: `auto`, `none`, `learned`, `sinusoidal` or
            `relative` (whose bias belongs to attention; see `make_position_code`).
        place_columns: Columns of `entities` that hold coordinates.
    """

    width: int
    patch_size: int = 8
    position: str = "auto"
    place_columns: tuple[int, ...] | None = None


class SetTokenizer(nn.Module):
    """What all sets share: how many tokens, where they are, and the vector that says so.

    Args:
        options: How the set becomes tokens.
        kind: Which set it is.
        n_tokens: Tokens of an observation.
        spans: How many places there are along each coordinate; None: no whole places.
    """

    def __init__(
        self, options: TokenOptions, *, kind: str, n_tokens: int, spans: tuple[int, ...] | None
    ) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        self.spans = spans
        self.positions = make_position_code(options.position, spans, options.width, kind=kind)

    def placed(self, tokens: Tensor, places: Tensor | None) -> Tensor:
        """Add its place to each token of `B N D`."""
        if self.positions is None or places is None:
            return tokens
        return tokens + self.positions(places)


class EntityTokenizer(SetTokenizer):
    """One token a row of `Box(N, F)`; the order of the rows carries nothing.

    Args:
        space: The Box.
        options: How the set becomes tokens.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions) -> None:
        columns = options.place_columns
        column_places = None if columns is None else ColumnPlaces(space, columns)
        spans = None if column_places is None else column_places.spans
        super().__init__(options, kind="entities", n_tokens=space.shape[0], spans=spans)
        self.column_places = column_places
        self.encoder = ColumnEncoder(space, options.width, name="entities")

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tokens, Tensor | None]:
        """Map `B N F` and a mask `B N` (None: all real) to tokens and their places.

        Rows that are padding in the whole batch are left out, so that they cost nothing.
        """
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        used = last_real(real)
        values, real = values[:, :used], real[:, :used]
        places = None if self.column_places is None else self.column_places(values, real)
        return Tokens(self.placed(self.encoder(values, real), places), real), places


class FixedPlaceTokenizer(SetTokenizer):
    """A set whose tokens are at the same places in every observation.

    Args:
        options: How the set becomes tokens.
        kind: Which set it is.
        spans: How many places there are along each coordinate.
    """

    places: Tensor

    def __init__(self, options: TokenOptions, *, kind: str, spans: tuple[int, ...]) -> None:
        places = grid_places(*spans)
        super().__init__(options, kind=kind, n_tokens=places.shape[1], spans=spans)
        self.register_buffer("places", places, persistent=False)


class CellTokenizer(FixedPlaceTokenizer):
    """One token a cell of `Box(H, W, C)` symbols.

    Args:
        space: The Box.
        options: How the set becomes tokens.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions) -> None:
        rows, columns = space.shape[:2]
        super().__init__(options, kind="cells", spans=(rows, columns))
        self.encoder = ColumnEncoder(space, options.width, name="cells")

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tokens, Tensor]:
        """Map `B H W C` and a mask `B H*W` (None: all real) to tokens, row by row."""
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        cells = self.encoder(values.flatten(start_dim=1, end_dim=2), real)
        return Tokens(self.placed(cells, self.places), real), self.places


class HistoryTokenizer(FixedPlaceTokenizer):
    """One token a past frame of `Box(T, F)`, oldest first; its place is its row.

    Args:
        space: The Box.
        options: How the set becomes tokens.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions) -> None:
        super().__init__(options, kind="history", spans=(space.shape[0],))
        self.encoder = ColumnEncoder(space, options.width, name="history")

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tokens, Tensor]:
        """Map `B T F` and a mask `B T` (None: all real) to tokens."""
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        return Tokens(self.placed(self.encoder(values, real), self.places), real), self.places


class PatchTokenizer(FixedPlaceTokenizer):
    """One token a square patch of an image.

    The image comes as Stable-Baselines3 hands it over: scaled to 0..1, channels first. A space
    whose channels are last (no `VecTransposeImage` in between) is read as it is.

    Args:
        space: The Box of the image, as the extractor gets it.
        options: How the set becomes tokens; the patch must divide the image.

    Raises:
        UserError: The patch does not divide the image, or no axis looks like channels.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions) -> None:
        channels_first = _channels_first(space)
        shape = space.shape if channels_first else (space.shape[2], *space.shape[:2])
        channels, height, breadth = shape
        side = options.patch_size
        if height % side or breadth % side:
            raise UserError(
                f"patch_size must divide the image, got patch_size={side} and an image of "
                f"{height} x {breadth}: set patch_size to a divisor"
            )
        super().__init__(options, kind="pixels", spans=(height // side, breadth // side))
        self.channels_first = channels_first
        self.patch_size = side
        self.linear = Linear(channels * side**2, options.width)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tokens, Tensor]:
        """Map an image `B C H W` (or `B H W C`) to tokens, row by row."""
        images = values if self.channels_first else values.permute(0, 3, 1, 2)
        patches = nn.functional.unfold(images, self.patch_size, stride=self.patch_size)
        real = _mask_or_all(mask, values.shape[0], self.n_tokens, values.device)
        tokens = self.placed(self.linear(patches.transpose(1, 2)), self.places)
        return Tokens(tokens, real), self.places


SET_TOKENIZERS: dict[
    str, type[EntityTokenizer | CellTokenizer | PatchTokenizer | HistoryTokenizer]
] = {
    "entities": EntityTokenizer,
    "cells": CellTokenizer,
    "pixels": PatchTokenizer,
    "history": HistoryTokenizer,
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
