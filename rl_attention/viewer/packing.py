"""Attention weights and frames as text, so that they can lie in JSON."""

import base64
import binascii
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rl_attention.errors import UserError

LEVELS = 255
"""A weight of 1 is this number; steps of 0.004 are finer than any colour scale shows."""

PNG = b"\x89PNG\r\n\x1a\n"


def pack_weights(weights: NDArray[Any]) -> str:
    """Write weights as base64 of unsigned bytes in C order, 255 for 1.

    Args:
        weights: Attention weights, `H Q K`; what is outside 0 to 1 is clipped.
    """
    levels = np.rint(np.clip(weights, 0.0, 1.0) * LEVELS).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")


def unpack_weights(text: str, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Read weights back, exact to half a level.

    Args:
        text: What `pack_weights` wrote.
        shape: Heads, queries and keys, `H Q K`.
    """
    levels = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.asarray(levels.reshape(shape) / LEVELS)


def pack_frame(frame: NDArray[np.uint8]) -> str:
    """Write a frame as base64 of a PNG file.

    Args:
        frame: The picture, `H W 3`.
    """
    file = io.BytesIO()
    Image.fromarray(frame).save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def unpack_frame(text: str) -> NDArray[np.uint8]:
    """Read a frame back, `H W 3`.

    Args:
        text: What `pack_frame` wrote.

    Raises:
        UserError: The PNG file is damaged, or too large a picture.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            f"frame: expected a whole PNG picture, got damaged data ({error})"
        ) from None


def decode(text: str) -> bytes | None:
    """Return the bytes of base64 text, None where it is something else.

    Args:
        text: What should be base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
