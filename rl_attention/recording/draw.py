"""A picture of what a model attends to, for whoever has a model and observations."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.recording.complete import complete
from rl_attention.recording.drawing import draw_mosaic
from rl_attention.recording.layers import label_layers
from rl_attention.recording.locate import find_extractor
from rl_attention.recording.normalize import as_seen
from rl_attention.recording.probes import ProbeSet
from rl_attention.recording.record import record
from rl_attention.recording.tokens import read_tokens


def draw(
    model: Any, observations: ProbeSet | Mapping[str, NDArray[Any]] | NDArray[Any]
) -> NDArray[np.uint8]:
    """Draw what a model attends to: one observation below the other, as in TensorBoard.

    Args:
        model: Any Stable-Baselines3 algorithm whose extractor holds a `Probe`.
        observations: A batch as the environments give it, or a `ProbeSet` of such, which has names
            and frames. One observation is a batch of one. What the model's `VecNormalize` does to
            observations is done to them here, so give what is not normalised:
            `env.get_original_obs()` after `env.reset()`. Where another wrapper around it changes
            shapes (`VecFrameStack`), nothing can be normalised here: give observations as the
            policy sees them, which `env.reset()` returns.

    Returns:
        The picture, `H W 3`.

    Raises:
        UserError: If no extractor holds a `Probe`, a key is missing, or shapes do not fit.
    """
    if isinstance(observations, ProbeSet):
        probes = observations
    else:
        probes = ProbeSet.from_observations(observations)
    _, extractor = find_extractor(model)
    seen = as_seen(model, probes.observations)
    shown = complete(probes, read_tokens(extractor))
    layers = label_layers(record(model, seen), shown.sizes)
    pictures = [draw_mosaic(layers, shown, index) for index in range(len(shown))]
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate([_widened(picture, width) for picture in pictures])


def _widened(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    spare = width - picture.shape[1]
    return np.pad(picture, ((0, 0), (0, spare), (0, 0)), constant_values=255)
