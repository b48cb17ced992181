"""The features extractor that attends, and its control with uniform weights."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rl_attention.nn import (
    AttentionOptions,
    CrossAttentionBlock,
    LearnedQueryPooling,
    Linear,
    SelfAttentionBlock,
)
from rl_attention.tokenizers import ObservationTokenizer, Tokenized

SEGMENTS = ("global", "entities")


class AttentionExtractor(BaseFeaturesExtractor):
    """Self-attention over the entities of an observation, read out by a learned query.

    A global token stands for everything that is no entity (direction, what is carried, walls). It
    reads the words of the mission, if there are any; then it and the entities read each other in
    `n_blocks` Transformer blocks; then a learned query, moved by the global token, reads the
    entities. The features are made of the global token and of what was read.

    Works with any Stable-Baselines3 algorithm and any `Dict` space whose keys `entities`
    (`Box(N, F)`) and `mask` are there; see `rl_attention.tokenizers.schema` for the other forms.
    The order of the entities and what stands in the padding have no effect.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        width: Size `D` of a token.
        n_heads: Heads; must divide `width`.
        n_blocks: Self-attention blocks.
        score: How a key answers a query: a key of `rl_attention.nn.SCORES`.
        weights: How scores become weights: a key of `rl_attention.nn.WEIGHTS`.
        top_k: Keys that each query keeps, for the weights `topk`.
        feedforward: Hidden size of the feed-forward layers.
        patch_size: Rows and columns of a patch, where the set is an image.

    Raises:
        UserError: The space has no set to attend over.
        ValueError: `n_heads` does not divide `width`, or a name is unknown.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        *,
        width: int = 64,
        n_heads: int = 4,
        n_blocks: int = 1,
        score: str = "scaled_dot_product",
        weights: str = "softmax",
        top_k: int = 4,
        feedforward: int = 128,
        patch_size: int = 8,
    ) -> None:
        super().__init__(observation_space, features_dim)
        options = AttentionOptions(n_heads=n_heads, score=score, weights=weights, top_k=top_k)
        self.tokenizer = ObservationTokenizer(observation_space, width=width, patch_size=patch_size)
        self.global_token = nn.Parameter(torch.randn(width) / width**0.5)
        if self.tokenizer.words is not None:
            self.words = CrossAttentionBlock(
                width,
                options=options,
                feedforward=feedforward,
                queries=("global",),
                keys=("words",),
            )
        self.blocks = nn.ModuleList(
            SelfAttentionBlock(
                width,
                options=options,
                feedforward=feedforward,
                segments=SEGMENTS,
            )
            for _ in range(n_blocks)
        )
        self.pooling = LearnedQueryPooling(width, options=options, keys=("entities",))
        self.readout = nn.Sequential(
            nn.LayerNorm(2 * width), Linear(2 * width, features_dim), nn.ReLU()
        )

    def forward(self, observations: dict[str, Tensor] | Tensor) -> Tensor:
        """Map a preprocessed observation to features, `B features_dim`."""
        tokenized = self.tokenizer(observations)
        entities, mask = tokenized.entities
        first = self._global_token(tokenized, mask)  # B 1 D
        always = mask.new_ones(mask.shape[0], 1)
        tokens = torch.cat([first, entities], dim=1)
        tokens_mask = torch.cat([always, mask], dim=1)
        for block in self.blocks:
            tokens = block(tokens, tokens_mask)
        asker = tokens[:, 0]
        read = self.pooling(tokens[:, 1:], mask, asker)
        return self.readout(torch.cat([asker, read], dim=-1))

    def _global_token(self, tokenized: Tokenized, mask: Tensor) -> Tensor:
        token = self.global_token.expand(mask.shape[0], 1, -1)
        if tokenized.summary is not None:
            token = token + tokenized.summary[:, None]
        if tokenized.words is not None:
            words, words_mask = tokenized.words
            always = mask.new_ones(mask.shape[0], 1)
            token = self.words(token, words, always, words_mask, tokenized.mission)
        return token


class UniformExtractor(AttentionExtractor):
    """The same network with every real token weighted alike: no query, no key.

    The control that tells attention from mere pooling (Wiegreffe & Pinter 2019; Zaheer et al. 2017,
    "Deep Sets"). Widen `feedforward` to match the parameters of `AttentionExtractor`.

    Args:
        observation_space: See `AttentionExtractor`.
        features_dim: Size of the features.
        **options: Options of `AttentionExtractor`, but for those of scores and weights.

    Raises:
        UserError: The space has no set of tokens.
        ValueError: `n_heads` does not divide `width`.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        **options: Any,
    ) -> None:
        super().__init__(observation_space, features_dim, weights="uniform", **options)
