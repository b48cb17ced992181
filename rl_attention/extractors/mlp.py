"""The control arm without attention: the tokens side by side."""

from collections.abc import Sequence

import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn import functional as F

from rl_attention.extractors.base import TokenExtractor
from rl_attention.extractors.choices import check_position, read_columns
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
        width: Size `D` of a token.
        hidden: Size of both hidden layers.
        slot: Size of a token where all lie side by side.
        position: How tokens know where they are; see `AttentionExtractor`.
        place_columns: Columns of `entities` that hold coordinates.
        patch_size: Rows and columns of a patch, where the set is an image.

    Raises:
        UserError: The space has no set of tokens.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        *,
        width: int = 64,
        hidden: int = 128,
        slot: int = 16,
        position: str = "auto",
        place_columns: Sequence[int] | None = None,
        patch_size: int = 8,
    ) -> None:
        columns = read_columns(place_columns)
        check_position(position, columns, kind=read_schema(observation_space).kind)
        tokens = TokenOptions(width, patch_size, position, columns)
        super().__init__(observation_space, features_dim, tokens)
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
