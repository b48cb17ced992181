"""The one colour scale of all pictures: weight 0 to 1, dark blue to yellow.

Lightness rises all the way, so that it reads without colour vision and in grey print. The square
root of the weight goes on the scale: small weights, which are many, stay apart.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BACKGROUND = (255, 255, 255)
INK = (32, 32, 36)
FAINT = (120, 120, 128)

_ANCHORS = np.array(
    [(38, 10, 84), (62, 66, 148), (38, 128, 146), (76, 190, 118), (178, 222, 60), (255, 236, 72)],
    dtype=np.float64,
)


def scale(weights: ArrayLike) -> NDArray[np.float64]:
    """Return the place of weights on the colour scale, 0 to 1.

    Args:
        weights: Attention weights; what is outside 0 to 1 is clipped.
    """
    return np.sqrt(np.clip(np.asarray(weights, dtype=np.float64), 0.0, 1.0))


def colours(weights: ArrayLike) -> NDArray[np.uint8]:
    """Return the colour of each weight, `... 3`.

    Args:
        weights: Attention weights of any shape.
    """
    place = scale(weights)
    stops = np.linspace(0.0, 1.0, len(_ANCHORS))
    channels = [np.interp(place, stops, _ANCHORS[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def colour(weight: float) -> tuple[int, int, int]:
    """Return the colour of one weight.

    Args:
        weight: The weight.
    """
    red, green, blue = (int(channel) for channel in colours(weight))
    return red, green, blue


def ink_on(background: Any) -> tuple[int, int, int]:
    """Return black or white, whichever reads better.

    Args:
        background: The colour below the text.
    """
    light = float(np.dot(background, (0.299, 0.587, 0.114)))
    return (0, 0, 0) if light > 130 else (255, 255, 255)
