"""Pictures of observations that are grids: images as they are, symbols in colours of their own."""

import colorsys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.recording.tokens import TokenSet

_LONGEST = 4  # times as long as wide; beyond it a strip reads better
_GOLDEN = 0.618
_COMMON = (214, 214, 218)


def draw_grid(observations: Any, tokens: TokenSet) -> dict[str, NDArray[Any]]:
    """Draw the observation, and say where its tokens are in the picture.

    Args:
        observations: A batch as the policy takes it: an array, or a mapping of arrays.
        tokens: The set.

    Returns:
        `frames` `P H W 3` and `boxes` `P N 4`; nothing where there is no grid to draw.
    """
    if tokens.grid is None or not 1 / _LONGEST <= tokens.grid[0] / tokens.grid[1] <= _LONGEST:
        return {}
    keyed = isinstance(observations, Mapping)
    values = observations.get(tokens.key) if keyed else observations
    if keyed == (tokens.key is None) or not isinstance(values, np.ndarray) or values.ndim != 4:
        return {}
    image = _channels_last(values, tokens.grid) if tokens.kind == "pixels" else values
    if image is None or (tokens.kind == "cells" and image.shape[1:3] != tokens.grid):
        return {}
    frames = _photograph(image, tokens.n_stack) if tokens.kind == "pixels" else _symbols(image)
    return {"frames": frames, "boxes": _boxes(tokens.grid, frames.shape)}


def _channels_last(images: NDArray[Any], grid: tuple[int, int]) -> NDArray[Any] | None:
    """Turn images so that square patches fill the grid: `P H W C`; None if they do not."""
    rows, columns = grid
    last, first = images, np.moveaxis(images, 1, -1)
    fitting = [
        image
        for image in (last, first)
        if image.shape[1] % rows == 0 and image.shape[1] * columns == image.shape[2] * rows
    ]
    return min(fitting, key=lambda image: image.shape[3]) if fitting else None


def _photograph(images: NDArray[Any], n_stack: int) -> NDArray[np.uint8]:
    """The newest frame of images `P H W C` in colours, or in grey."""
    channels, rest = divmod(images.shape[3], n_stack)
    newest = images if rest else images[..., -channels:]
    # frames may be stacked though nobody has said so
    newest = newest[..., -3:] if newest.shape[3] % 3 == 0 else newest[..., -1:]
    if newest.dtype != np.uint8:
        low, high = float(newest.min()), float(newest.max())
        newest = (255 * (newest - low) / max(high - low, 1e-9)).astype(np.uint8)
    return np.broadcast_to(newest, (*newest.shape[:3], 3))


def _symbols(cells: NDArray[Any]) -> NDArray[np.uint8]:
    """One pixel a cell of `P H W C`; equal cells have one colour, the commonest are grey."""
    _, which, counts = np.unique(
        cells.reshape(-1, cells.shape[3]), axis=0, return_inverse=True, return_counts=True
    )
    hues = np.arange(len(counts)) * _GOLDEN % 1
    bright = [colorsys.hsv_to_rgb(hue, 0.7, 0.95 - 0.3 * (i % 2)) for i, hue in enumerate(hues)]
    palette = np.rint(np.array(bright) * 255).astype(np.uint8)
    palette[int(np.argmax(counts))] = _COMMON
    return np.asarray(palette[which.reshape(cells.shape[:3])])


def _boxes(grid: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.int32]:
    rows, columns = grid
    row, column = np.divmod(np.arange(rows * columns), columns)
    side = np.array([shape[2] // columns, shape[1] // rows] * 2)
    corners = np.stack([column, row, column + 1, row + 1], axis=-1) * side
    return np.tile(corners.astype(np.int32), (shape[0], 1, 1))
