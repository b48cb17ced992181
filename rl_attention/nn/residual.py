"""How what a layer found joins the stream of tokens that passes by it."""

import torch
from torch import Tensor, nn

from rl_attention.nn.linear import Linear

_CARRY = 2.0


class Sum(nn.Module):
    """The plain residual: `x + y`.

    Args:
        width: Size `D` of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, stream: Tensor, found: Tensor) -> Tensor:
        """Join `... D` and `... D`."""
        return stream + found


class GrowingSum(nn.Module):
    """The residual `x + a y` with one learned number `a` that starts at zero.

    Source: Bachlechner et al. 2020, "ReZero is All You Need", equation 1.

    Args:
        width: Size `D` of a token; not used here.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, stream: Tensor, found: Tensor) -> Tensor:
        """Join `... D` and `... D`."""
        return stream + self.share * found


class GRUGate(nn.Module):
    """A gated recurrent unit in place of the sum, which starts close to passing `x` on.

    Source: Parisotto et al. 2020, "Stabilizing Transformers for Reinforcement Learning", section
    3.2, with the ReLU before the gate of its figure 1 and the bias 2 of its appendix.

    Args:
        width: Size `D` of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.found = Linear(width, 3 * width)
        self.stream = Linear(width, 2 * width)
        self.reset_stream = Linear(width, width)
        with torch.no_grad():
            self.found.bias[width : 2 * width] = -_CARRY

    def forward(self, stream: Tensor, found: Tensor) -> Tensor:
        """Join `... D` and `... D`."""
        reset, update, fresh = self.found(found.relu()).chunk(3, dim=-1)
        reset_stream, update_stream = self.stream(stream).chunk(2, dim=-1)
        update = (update + update_stream).sigmoid()
        kept = (reset + reset_stream).sigmoid() * stream
        return stream + update * ((fresh + self.reset_stream(kept)).tanh() - stream)
