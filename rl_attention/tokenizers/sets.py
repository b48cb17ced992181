"""The set of an observation to tokens: entities, grid cells, image patches, past frames.

Padding is left out before anything is computed, so it costs nothing and has no effect.
"""

from collections.abc import Iterable

import numpy as np
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn import Layout, Linear, Packed, full_layout, layout_of
from rl_attention.tokenizers.columns import LARGEST_BOUND, ColumnEncoder
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.places import ColumnPlaces, grid_places, make_position_code
from rl_attention.tokenizers.tokens import read_mask


class SetTokenizer(nn.Module):
    """What all sets share: how many tokens, where they are, and the vector that says so.

    Args:
        options: How the set becomes tokens.
        kind: Which set it is.
        n_tokens: Tokens of an observation.
        spans: How many places there are along each coordinate; None: no whole places.

    Attributes:
        trims: Whether slots that are padding in the whole batch may be left out.
        grows: Whether a batch may have another number of rows than the space.
    """

    trims = True
    grows = False

    def __init__(
        self, options: TokenOptions, *, kind: str, n_tokens: int, spans: tuple[int, ...] | None
    ) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        self.spans = spans
        self.positions = make_position_code(options.position, spans, options.width, kind=kind)
        self.presence: int | None = None
        self.mask_name = "mask"

    def layout(self, values: Tensor, mask: Tensor | None) -> Layout:
        """Find the real tokens of `B ...` by a mask `B N`; None: all are, or a column says."""
        if self.presence is not None:
            mask = values[..., self.presence]
        if mask is None:
            count = values.shape[1] if self.grows else self.n_tokens
            return full_layout(len(values), count, values.device)
        return layout_of(read_mask(mask, name=self.mask_name), trim=self.trims)

    def placed(self, tokens: Tensor, places: Tensor | None) -> Tensor:
        """Add its place to each token of `T D`."""
        if self.positions is None or places is None:
            return tokens
        return tokens + self.positions(places)

    def make_encoder(self, space: spaces.Box, options: TokenOptions, name: str) -> ColumnEncoder:
        """Make what encodes the columns, and note which of them says what is real.

        Args:
            space: The Box.
            options: Columns are numbered as in one frame.
            name: What the set is called.

        Raises:
            UserError: An option names a column that is not there.
        """
        size = space.shape[-1] // options.n_stack
        presence, ids = options.presence_of(name), options.categories_of(name)
        if presence is not None:
            _check_columns("presence_column", [presence], size, name)
            self.presence = presence + newest_column(space, options)
            self.mask_name = f"{name}[..., {presence}]"
        _check_columns("categorical_columns", ids, size, name)
        every = [column + size * frame for frame in range(options.n_stack) for column in ids]
        return ColumnEncoder(space, options.width, name=name, categorical=every)


class EntityTokenizer(SetTokenizer):
    """One token a row of `Box(N, F)`; the order of the rows carries nothing.

    Args:
        space: The Box; of stacked frames, `N n_stack*F`.
        options: How the set becomes tokens; columns are numbered as in one frame.
        name: What it is called.

    Raises:
        UserError: An option names a column that is not there.
    """

    grows = True

    def __init__(self, space: spaces.Box, options: TokenOptions, name: str = "entities") -> None:
        columns = options.place_columns
        column_places = None
        if columns is not None:
            newest = newest_column(space, options)
            column_places = ColumnPlaces(space, [column + newest for column in columns])
        spans = None if column_places is None else column_places.spans
        super().__init__(options, kind="entities", n_tokens=space.shape[0], spans=spans)
        self.column_places = column_places
        self.encoder = self.make_encoder(space, options, name)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Packed, Tensor | None]:
        """Map `B N F` and a mask `B N` (None: see `layout`) to tokens and their places."""
        layout = self.layout(values, mask)
        rows = layout.pack(values)
        places = None if self.column_places is None else self.column_places(rows)
        return Packed(self.placed(self.encoder(rows), places), layout), places


class FixedPlaceTokenizer(SetTokenizer):
    """A set whose tokens are at the same places in every observation.

    Args:
        options: How the set becomes tokens.
        kind: Which set it is.
        spans: How many places there are along each coordinate.
    """

    trims = False  # a slot is a place
    places: Tensor

    def __init__(self, options: TokenOptions, *, kind: str, spans: tuple[int, ...]) -> None:
        places = grid_places(*spans)
        super().__init__(options, kind=kind, n_tokens=len(places), spans=spans)
        self.register_buffer("places", places, persistent=False)

    def at_home(self, tokens: Tensor, layout: Layout) -> tuple[Packed, Tensor]:
        """Add to each token of `T D` the place of its slot."""
        places = self.places.index_select(0, layout.slot)
        return Packed(self.placed(tokens, places), layout), places


class CellTokenizer(FixedPlaceTokenizer):
    """One token a cell of `Box(H, W, C)` symbols.

    Args:
        space: The Box.
        options: How the set becomes tokens.
        name: What it is called.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions, name: str = "cells") -> None:
        rows, columns = space.shape[:2]
        super().__init__(options, kind="cells", spans=(rows, columns))
        self.encoder = self.make_encoder(space, options, name)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map `B H W C` and a mask `B H*W` (None: see `layout`) to tokens, row by row."""
        layout = self.layout(values, mask)
        cells = layout.pack(values.flatten(start_dim=1, end_dim=2))
        return self.at_home(self.encoder(cells), layout)


class HistoryTokenizer(FixedPlaceTokenizer):
    """One token a past frame of `Box(T, F)`, oldest first; its place is its row.

    Args:
        space: The Box.
        options: How the set becomes tokens.
        name: What it is called.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions, name: str = "history") -> None:
        super().__init__(options, kind="history", spans=(space.shape[0],))
        self.encoder = self.make_encoder(space, options, name)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map `B T F` and a mask `B T` (None: see `layout`) to tokens."""
        layout = self.layout(values, mask)
        return self.at_home(self.encoder(layout.pack(values)), layout)


class PatchTokenizer(FixedPlaceTokenizer):
    """One token a square patch of an image.

    The image comes as Stable-Baselines3 hands it over: scaled to 0..1, channels first. A space
    whose channels are last (no `VecTransposeImage` in between) is read as it is, and one that is no
    image to Stable-Baselines3 is scaled by its bounds here.

    Args:
        space: The Box of the image, as the extractor gets it.
        options: How the set becomes tokens; the patch must divide the image.
        name: What it is called.

    Raises:
        UserError: The patch does not divide the image, or no axis looks like channels.
    """

    def __init__(self, space: spaces.Box, options: TokenOptions, name: str = "pixels") -> None:
        channels_first = _channels_first(space, options.n_stack)
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
        self.low, self.range = _own_scale(space)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map an image `B C H W` (or `B H W C`) to tokens, row by row."""
        if self.range != 1.0:
            values = (values - self.low) / self.range
        images = values if self.channels_first else values.permute(0, 3, 1, 2)
        patches = nn.functional.unfold(images, self.patch_size, stride=self.patch_size)
        layout = self.layout(values, None)
        return self.at_home(self.linear(layout.pack(patches.transpose(1, 2))), layout)


SET_TOKENIZERS: dict[
    str, type[EntityTokenizer | CellTokenizer | PatchTokenizer | HistoryTokenizer]
] = {
    "entities": EntityTokenizer,
    "cells": CellTokenizer,
    "pixels": PatchTokenizer,
    "history": HistoryTokenizer,
}
"""From the kind of a set to its tokenizer."""


def newest_column(space: spaces.Box, options: TokenOptions) -> int:
    """Number the column where the newest of the stacked frames begins."""
    size = space.shape[-1] // options.n_stack
    return size * (options.n_stack - 1)


def _check_columns(option: str, columns: Iterable[int], size: int, name: str) -> None:
    strange = [column for column in columns if not 0 <= column < size]
    if strange:
        raise UserError(
            f"{option}: expected columns of {name!r}, 0 to {size - 1}, got {strange[0]}"
        )


def _own_scale(space: spaces.Box) -> tuple[float, float]:
    """Return the lowest value and the range of an image that Stable-Baselines3 leaves as it is."""
    low, high = float(space.low.min()), float(space.high.max())
    scaled_already = space.dtype == np.uint8 and (low, high) == (0.0, 255.0)
    bounded = abs(low) < LARGEST_BOUND and abs(high) < LARGEST_BOUND and high > low
    return (low, high - low) if bounded and not scaled_already else (0.0, 1.0)


def _channels_first(space: spaces.Box, n_stack: int) -> bool:
    first = _few(space.shape[0] / n_stack, space.shape[1:])
    last = _few(space.shape[2] / n_stack, space.shape[:2])
    if first == last:
        raise UserError(
            f"cannot tell the channels of an image of shape {space.shape}: put them first or "
            "last, at most 4 of them or a quarter of the rows and columns; of stacked frames, set "
            "n_stack"
        )
    return first


def _few(channels: float, others: tuple[int, ...]) -> bool:
    """Tell whether an axis is short enough for channels; stacked frames have more than 4."""
    return channels <= max(4, min(others) // 4)
