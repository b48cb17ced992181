"""Linear and convolution layers whose start is ours alone.

Stable-Baselines3 re-initialises every `nn.Linear` and `nn.Conv2d` inside a features extractor under
PPO and A2C (`ortho_init=True`), but not under DQN, and never a bare parameter. Layers that are
neither class start alike under every algorithm.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Linear(nn.Module):
    """`y = x W' + b`, Xavier-uniform weights and zero bias (Glorot & Bengio 2010).

    Args:
        in_features: Size of the last axis of the input.
        out_features: Size of the last axis of the output, of each part.
        parts: How many layers of the same input lie side by side, each with a start of its own: one
            product costs less than several.
    """

    def __init__(self, in_features: int, out_features: int, *, parts: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(parts * out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(parts * out_features))
        for part in torch.split(self.weight.detach(), out_features):
            nn.init.xavier_uniform_(part)

    def forward(self, x: Tensor) -> Tensor:
        """Map `... in` to `... out`."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Name both sizes in `repr`."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}"


class Conv2d(nn.Module):
    """A square convolution without padding, Kaiming-uniform weights for the ReLU behind it.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Rows and columns of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map `B C_in H W` to `B C_out H-k+1 W-k+1`."""
        return F.conv2d(x, self.weight, self.bias)


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """Two linear layers with a GELU between them, the same for each token."""
    return nn.Sequential(Linear(width, hidden), nn.GELU(), Linear(hidden, width))
