"""Everything that is no set and no words, as one vector."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.nn import Linear


class SummaryTokenizer(nn.Module):
    """Put all remaining keys side by side and encode them in two layers.

    Stable-Baselines3 hands discrete parts over one-hot, `B n` in a rollout and `B 1 n` in training:
    each key is flattened first. A Box without axes comes as `B`.

    Args:
        parts: The remaining keys and their spaces.
        width: Size `D` of the vector.
    """

    def __init__(self, parts: dict[str, spaces.Space], width: int) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.keys = sorted(parts)
        size = sum(spaces.flatdim(parts[key]) for key in self.keys)
        self.layers = nn.Sequential(Linear(size, width), nn.GELU(), Linear(width, width))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Map the observation to `B D`."""
        parts = [observations[key][..., None].flatten(start_dim=1) for key in self.keys]
        dtype = next(self.layers.parameters()).dtype
        return self.layers(torch.cat(parts, dim=1).to(dtype))
