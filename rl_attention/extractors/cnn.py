"""The control arm that convolves the grid."""

from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.extractors.base import TokenExtractor
from rl_attention.extractors.choices import check_position, check_sizes
from rl_attention.extractors.mlp import context, context_size
from rl_attention.nn import Conv2d, Linear
from rl_attention.tokenizers import Tokenized, TokenOptions, read_schema


class CNNExtractor(TokenExtractor):
    """Two 3 x 3 convolutions over the cells, with no pooling before the flat layer.

    Pooling a 7 x 7 view early throws places away and costs BabyAI agents a factor of three in
    samples (Hui et al. 2020, "BabyAI 1.1"), so there is none.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        channels: Channels of both convolutions.
        hidden: Size of the layer behind them.
        **tokens: How the observation is read; see `TokenOptions`.

    Raises:
        UserError: The space has no grid of cells, or one under 5 x 5.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        *,
        channels: int = 32,
        hidden: int = 128,
        **tokens: Any,
    ) -> None:
        options = TokenOptions.of("CNNExtractor", tokens)
        check_sizes(features_dim=features_dim, channels=channels, hidden=hidden)
        width = options.width
        check_position(options, kind=read_schema(observation_space, options).kind)
        super().__init__(observation_space, features_dim, options)
        schema = self.tokenizer.schema
        shape = schema.sets[0].space.shape
        if schema.kind != "cells" or min(shape[:2]) < 5:
            raise UserError(
                f"the cnn arm needs a grid of cells of 5 x 5 or more, got {schema.kind!r} of shape "
                f"{shape}: use the view `cells`"
            )
        self.rows, self.columns = shape[:2]
        self.convolutions = nn.Sequential(
            Conv2d(width, channels, kernel_size=3),
            nn.ReLU(),
            Conv2d(channels, channels, kernel_size=3),
            nn.ReLU(),
        )
        size = channels * (self.rows - 4) * (self.columns - 4)
        size += context_size(self.tokenizer, width)
        self.layers = nn.Sequential(Linear(size, hidden), nn.ReLU())
        self.readout = nn.Sequential(Linear(hidden, features_dim), nn.ReLU())

    def features(self, tokenized: Tokenized) -> Tensor:
        """Map tokens to features, `B features_dim`."""
        cells = tokenized.entities.layout.pad(tokenized.entities.tokens)  # B H*W D
        grid = cells.transpose(1, 2).reshape(len(cells), -1, self.rows, self.columns)  # B D H W
        seen = self.convolutions(grid).flatten(start_dim=1)
        return self.readout(self.layers(torch.cat([seen, *context(tokenized)], dim=1)))
