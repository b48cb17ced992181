"""The extractor that the PyTorch tutorial leads to: a transformer over the grid's cells."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn


class TextbookExtractor(BaseFeaturesExtractor):
    """Embed every cell, let all cells read each other twice, and take the mean.

    Nothing here is slower than it has to be: PyTorch's own encoder, its fused attention, no mask.

    Args:
        observation_space: A `Dict` with `cells`, a Box of symbols `H W C`; other keys are unused.
        features_dim: Size of the features.
        width: Size of a token.
        n_heads: Attention heads.
        n_layers: Layers of the encoder.
        feedforward: Hidden size of its feed-forward layers.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        features_dim: int = 128,
        *,
        width: int = 64,
        n_heads: int = 4,
        n_layers: int = 2,
        feedforward: int = 128,
    ) -> None:
        super().__init__(observation_space, features_dim)
        cells = observation_space["cells"]
        assert isinstance(cells, spaces.Box)
        rows, columns, _ = cells.shape
        counts = [int(high) + 1 for high in cells.high[0, 0]]
        self.embeddings = nn.ModuleList(nn.Embedding(count, width) for count in counts)
        self.positions = nn.Parameter(0.02 * torch.randn(rows * columns, width))
        layer = nn.TransformerEncoderLayer(
            width, n_heads, feedforward, dropout=0.0, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.readout = nn.Linear(width, features_dim)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Map a preprocessed observation to features, `B features_dim`."""
        symbols = observations["cells"].long().flatten(start_dim=1, end_dim=2)  # B N C
        tokens = self.positions
        for column, embedding in enumerate(self.embeddings):
            tokens = tokens + embedding(symbols[..., column])
        features: Tensor = self.readout(self.encoder(tokens).mean(dim=1))
        return features
