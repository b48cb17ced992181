"""The control arm without attention: the tokens side by side."""

from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn import functional as F

from rl_attention.extractors.base import TokenExtractor
from rl_attention.extractors.choices import check_position, check_sizes
from rl_attention.nn import Linear
from rl_attention.nn.functional import row_mean
from rl_attention.tokenizers import ObservationTokenizer, Tokenized, TokenOptions, read_schema


class MLPExtractor(TokenExtractor):
    """The tokens that attention eats, put side by side into two hidden layers.

    Each token first passes one small linear layer, the same for all, so that the first hidden layer
    does not have to be tiny to match the parameters of attention.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        hidden: Size of both hidden layers.
        slot: Size of a token where all lie side by side.
        **tokens: How the observation is read; see `TokenOptions`.

    Raises:
        UserError: The space has no set of tokens.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        *,
        hidden: int = 128,
        slot: int = 16,
        **tokens: Any,
    ) -> None:
        options = TokenOptions.of("MLPExtractor", tokens)
        check_sizes(features_dim=features_dim, hidden=hidden, slot=slot)
        width = options.width
        check_position(options, kind=read_schema(observation_space, options).kind)
        super().__init__(observation_space, features_dim, options)
        self.slot = Linear(width, slot)
        size = context_size(self.tokenizer, width) + self.tokenizer.n_tokens * slot
        self.first = Linear(size, hidden)
        self.layers = nn.Sequential(nn.ReLU(), Linear(hidden, hidden), nn.ReLU())
        self.readout = nn.Sequential(Linear(hidden, features_dim), nn.ReLU())

    def features(self, tokenized: Tokenized) -> Tensor:
        """Map tokens to features, `B features_dim`."""
        entities, layout = tokenized.entities
        slots = layout.pad(self.slot(entities)).flatten(start_dim=1)  # B N*slot
        side_by_side = torch.cat([*context(tokenized), slots], dim=1)
        # slots that are padding in the whole batch would be multiplied for nothing
        weight = self.first.weight[:, : side_by_side.shape[1]]
        return self.readout(self.layers(F.linear(side_by_side, weight, self.first.bias)))


def context(tokenized: Tokenized) -> list[Tensor]:
    """List what a control arm knows beside the set: the mean word and the summary, each `B D`."""
    parts = []
    if tokenized.words is not None:
        words = tokenized.words
        parts.append(row_mean(words.tokens, words.layout)[words.mission])
    return parts if tokenized.summary is None else [*parts, tokenized.summary]


def context_size(tokenizer: ObservationTokenizer, width: int) -> int:
    """Count the numbers that `context` gives."""
    return width * ((tokenizer.words is not None) + (tokenizer.summary is not None))
