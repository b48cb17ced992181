"""From the place of a token to a vector that is added to it.

Axes: `P` coordinates, `D` width.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LONGEST = 10_000.0


class LearnedPositions(nn.Module):
    """A learned vector for each place along each coordinate, summed.

    Args:
        spans: How many places there are along each coordinate.
        width: `D`.
    """

    def __init__(self, spans: Sequence[int], width: int) -> None:
        super().__init__()
        start = 1.0 / math.sqrt(len(spans))
        self.tables = nn.ParameterList(torch.randn(span, width) * start for span in spans)

    def forward(self, places: Tensor) -> Tensor:
        """Map whole places `... P`, counted from 0, to `... D`."""
        index = places.long().unbind(dim=-1)
        parts = [F.embedding(i, table) for i, table in zip(index, self.tables, strict=True)]
        return parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)


class SinusoidalPositions(nn.Module):
    """Sines and cosines of the place, an equal share of the width for each coordinate.

    Source: Vaswani et al. 2017, section 3.5. Nothing is learned.

    Args:
        spans: One number a coordinate; how large it is has no effect.
        width: `D`; what two coordinates cannot share evenly stays 0.
    """

    frequencies: Tensor

    def __init__(self, spans: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        half = width // (2 * len(spans))
        steps = torch.arange(half, dtype=torch.float32) / max(half, 1)
        self.register_buffer("frequencies", _LONGEST**-steps, persistent=False)

    def forward(self, places: Tensor) -> Tensor:
        """Map places `... P` to `... D`."""
        angles = places[..., None] * self.frequencies  # ... P half
        waves = torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(start_dim=-2)
        return F.pad(waves, (0, self.width - waves.shape[-1]))


POSITIONS: dict[str, type[LearnedPositions | SinusoidalPositions]] = {
    "learned": LearnedPositions,
    "sinusoidal": SinusoidalPositions,
}
"""From the name of a position code to its module; without any, tokens stay as they are."""
