"""Everything that is no set and no words, as one vector."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.nn import Linear
from rl_attention.tokenizers.columns import Floats, centre_and_scale
from rl_attention.tokenizers.stacking import is_image_like


class SummaryTokenizer(nn.Module):
    """Put all remaining keys side by side and encode them in two layers.

    Stable-Baselines3 hands discrete parts over one-hot, `B n` in a rollout and `B 1 n` in training:
    each key is flattened first. A Box without axes comes as `B`. Numbers with finite bounds are
    scaled to -1..1, so that none of them drowns the others.

    Args:
        parts: The remaining keys and their spaces.
        width: Size `D` of the vector.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, parts: dict[str, spaces.Space], width: int) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.keys = sorted(parts)
        scales = [_scale(parts[key]) for key in self.keys]
        centre, scale = (np.concatenate(part) for part in zip(*scales, strict=True))
        self.register_buffer("centre", torch.tensor(centre), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.scales = bool(centre.any() or (scale != 1).any())  # two operations less where not
        size = len(centre)
        self.layers = nn.Sequential(Linear(size, width), nn.GELU(), Linear(width, width))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Map the observation to `B D`."""
        parts = [observations[key][..., None].flatten(start_dim=1) for key in self.keys]
        dtype = next(self.layers.parameters()).dtype
        numbers = torch.cat(parts, dim=1).to(dtype)
        return self.layers((numbers - self.centre) * self.scale if self.scales else numbers)


def _scale(part: spaces.Space[Any]) -> tuple[Floats, Floats]:
    """Give what to subtract from the numbers of a key and to multiply them by."""
    size = spaces.flatdim(part)
    if not isinstance(part, spaces.Box) or is_image_like(part):
        return np.zeros(size, np.float32), np.ones(size, np.float32)
    low, high = (bounds.astype(np.float64).reshape(-1) for bounds in (part.low, part.high))
    return centre_and_scale(low, high)
