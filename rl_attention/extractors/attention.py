"""The features extractor that attends, and its control with uniform weights."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.extractors.base import TokenExtractor
from rl_attention.extractors.choices import check_choices, warn_of_dropout
from rl_attention.nn import (
    MIXERS,
    POOLINGS,
    AttentionOptions,
    Linear,
    MixerOptions,
    Relations,
)
from rl_attention.tokenizers import Tokenized, TokenOptions, read_schema


class AttentionExtractor(TokenExtractor):
    """Attention over the entities of an observation.

    A global token stands for everything that is no entity (direction, what is carried, walls). It
    reads the words of the mission, if there are any; then it and the entities read each other in
    `n_blocks` blocks; then a learned query, moved by the global token, reads the entities. The
    features are made of the global token and of what was read. Every step of this has other members
    to choose from, each by one argument: `docs/attention.md` shows them side by side.

    Works with any Stable-Baselines3 algorithm and with a `Box(N, F)`, or a `Dict` whose keys
    `entities` (`Box(N, F)`) and `mask` are there; `entity_keys` names other keys, and
    `docs/spaces.md` lists all that can be read. The order of the entities and what stands in the
    padding have no effect.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        width: Size `D` of a token.
        n_heads: Heads; must divide `width`.
        n_blocks: How often tokens read each other; 0 leaves the pooling alone.
        attention: Who asks: a key of `rl_attention.nn.MIXERS`.
        n_latents: Learned tokens, for attention `latent`.
        score: How a key answers a query: a key of `rl_attention.nn.SCORES`.
        weights: How scores become weights: a key of `rl_attention.nn.WEIGHTS`.
        top_k: Keys that each query keeps, for the weights `topk`.
        scope: `global`, or `local`: tokens read those at most `radius` away along each coordinate.
        radius: How far a token reads, for the scope `local`.
        position: How tokens know where they are: `none`, `learned`, `sinusoidal`, or `relative`,
            which adds a learned bias for each offset to the scores; `auto` is `learned` for cells,
            patches and past frames, and `none` for entities, whose rows say it.
        place_columns: Columns of `entities` that hold coordinates, for `local`, `sinusoidal` and
            `relative`.
        block: A key of `rl_attention.nn.BLOCKS`.
        pooling: A key of `rl_attention.nn.POOLINGS`.
        dropout: Share of the weights that is put to 0 in training; see the warning.
        feedforward: Hidden size of the feed-forward layers.
        patch_size: Rows and columns of a patch, where the set is an image.
        entity_keys: Keys that hold sets, each with a mask `<key>_mask` or none; several are read as
            one set of tokens of different types. None: the one of the keys `entities`, `cells`,
            `pixels`, `history` and `frames` that is there.
        kind: `entities`, `cells`, `pixels`, `history` or `frames`, where neither key nor shape
            says it.
        presence_column: Column that is 1 in rows that are real and 0 in padding.
        categorical_columns: Columns of a float Box that hold ids.
        n_stack: How many frames `VecFrameStack` has put side by side.
        frames: What becomes of the rows of past frames (`HistoryVecEnv`): `entities`, a token for
            each and one for each step, `newest`, one for each of now and one for each step, or
            `summary`, one for each step.
        ignored_keys: Keys that are not read, such as a `mission` that never changes; the mask
            `<key>_mask` of each is not read either.

    Raises:
        UserError: The space has no set to attend over, or the options do not go together.
        ValueError: `n_heads` does not divide `width`, or a name is unknown.

    Warns:
        UserWarning: With dropout: on-policy algorithms learn with it and act without.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        *,
        width: int = 64,
        n_heads: int = 4,
        n_blocks: int = 1,
        attention: str = "self",
        n_latents: int = 8,
        score: str = "scaled_dot_product",
        weights: str = "softmax",
        top_k: int = 4,
        scope: str = "global",
        radius: float = 2,
        position: str = "auto",
        place_columns: Sequence[int] | None = None,
        block: str = "pre_norm",
        pooling: str = "learned_query",
        dropout: float = 0.0,
        feedforward: int = 128,
        patch_size: int = 8,
        entity_keys: Sequence[str] | None = None,
        kind: str | Mapping[str, str] | None = None,
        presence_column: int | Mapping[str, int] | None = None,
        categorical_columns: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
        n_stack: int = 1,
        frames: str = "entities",
        ignored_keys: Sequence[str] = (),
    ) -> None:
        tokens = TokenOptions(
            width,
            patch_size,
            position,
            place_columns,
            entity_keys,
            kind,
            presence_column,
            categorical_columns,
            n_stack,
            frames,
            ignored_keys,
        )
        choices = {
            "attention": attention,
            "block": block,
            "features_dim": features_dim,
            "feedforward": feedforward,
            "frames": tokens.frames,
            "n_blocks": n_blocks,
            "n_heads": n_heads,
            "n_latents": n_latents,
            "patch_size": patch_size,
            "place_columns": tokens.place_columns,
            "pooling": pooling,
            "position": position,
            "radius": radius,
            "scope": scope,
            "top_k": top_k,
            "width": width,
        }
        schema = read_schema(observation_space, tokens)
        has_words = schema.words_space is not None
        check_choices(choices, kind=schema.kind, has_words=has_words)
        warn_of_dropout(dropout)
        options = AttentionOptions(n_heads, score, weights, top_k, dropout)
        super().__init__(observation_space, features_dim, tokens)
        self.dropout = dropout
        self.global_token = nn.Parameter(torch.randn(width) / width**0.5)
        self.relations = self._relate(options, position, radius if scope == "local" else None)
        parts = MixerOptions(width, options, block, n_blocks, feedforward, n_latents, has_words)
        self.mixer = MIXERS[attention](parts)
        pool, keys = POOLINGS[pooling], (self.mixer.pooled,)
        self.pooling = None if pool is None else pool(width, options=options, keys=keys)
        size = width if pool is None else 2 * width
        self.readout = nn.Sequential(nn.LayerNorm(size), Linear(size, features_dim), nn.ReLU())

    def _relate(self, options: AttentionOptions, position: str, radius: float | None) -> Relations:
        # uniform weights have no scores that a bias could be added to
        biased = position == "relative" and not options.uniform
        return Relations(
            n_heads=options.n_heads,
            radius=radius,
            spans=self.tokenizer.spans if biased else None,
            fixed=self.tokenizer.fixed_places,
            multiplies=options.multiplies,
        )

    @property
    def merges(self) -> bool:
        """Whether equal observations may share one computation now: not under dropout."""
        return super().merges and not (self.training and self.dropout > 0)

    def features(self, tokenized: Tokenized) -> Tensor:
        """Map tokens to features, `B features_dim`."""
        asker, tokens, layout = self.mixer(
            self._global_token(tokenized),
            tokenized.entities,
            tokenized.words,
            partial(self.relations, places=tokenized.places),
        )
        if self.pooling is not None:
            asker = torch.cat([asker, self.pooling(tokens, layout, asker)], dim=-1)
        return self.readout(asker)

    def _global_token(self, tokenized: Tokenized) -> Tensor:
        token = self.global_token.expand(tokenized.entities.layout.n_rows, -1)
        return token if tokenized.summary is None else token + tokenized.summary


class UniformExtractor(AttentionExtractor):
    """The same network with every real token weighted alike: no query, no key.

    The control that tells attention from mere pooling (Wiegreffe & Pinter 2019; Zaheer et al. 2017,
    "Deep Sets"). Widen `feedforward` to match the parameters of `AttentionExtractor`.

    Args:
        observation_space: See `AttentionExtractor`.
        features_dim: Size of the features.
        **options: Options of `AttentionExtractor`, but for those of scores and weights.

    Raises:
        UserError: The space has no set of tokens, or the options do not go together.
        ValueError: `n_heads` does not divide `width`, or a name is unknown.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int = 128,
        **options: Any,
    ) -> None:
        needless = sorted({"score", "weights", "top_k"} & set(options))
        if needless:
            raise UserError(
                f"{needless[0]}: uniform weights need none, got {options[needless[0]]!r}: "
                "leave it out"
            )
        super().__init__(observation_space, features_dim, weights="uniform", **options)
