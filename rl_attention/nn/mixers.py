"""Who asks: how the global token, the set and the words read each other before the pooling.

Every mixer takes the global token, the set and the words, and gives back the global token and the
set that is then pooled, whose segment name is `pooled`. Axes: `B` batch, `N` tokens of the set, `L`
latent tokens, `W` words, `D` width.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions, Keys
from rl_attention.nn.blocks import Stack
from rl_attention.nn.relations import Relation

GLOBAL, ENTITIES, WORDS, LATENTS = "global", "entities", "words", "latents"


class Mixed(NamedTuple):
    """What a mixer gives.

    Attributes:
        asker: The global token, `B D`.
        tokens: The set to be pooled, `B N D`.
        mask: `B N`, True for real tokens.
    """

    asker: Tensor
    tokens: Tensor
    mask: Tensor


@dataclass(frozen=True)
class MixerOptions:
    """What a mixer is made of.

    Args:
        width: `D`.
        attention: Heads, score and weights.
        block: A key of `rl_attention.nn.BLOCKS`.
        n_blocks: How often tokens read each other; in `EgoMixer`, how often the global token reads.
        feedforward: Hidden size of the feed-forward layers.
        n_latents: `L`, for `LatentMixer`.
        has_words: Whether there are words.
    """

    width: int
    attention: AttentionOptions
    block: str
    n_blocks: int
    feedforward: int
    n_latents: int
    has_words: bool

    def stack(
        self,
        queries: tuple[str, ...],
        keys: tuple[str, ...] | None = None,
        n_blocks: int | None = None,
    ) -> Stack:
        """Make blocks by which `queries` read `keys` (None: each other), `n_blocks` unless told."""
        return Stack(
            self.block,
            self.n_blocks if n_blocks is None else n_blocks,
            self.width,
            options=self.attention,
            feedforward=self.feedforward,
            queries=queries,
            keys=keys,
        )


class SelfMixer(nn.Module):
    """The global token reads the words; then it and the set read each other.

    Args:
        options: What it is made of.
    """

    pooled = ENTITIES

    def __init__(self, options: MixerOptions) -> None:
        super().__init__()
        self.words = _word_block(options, (GLOBAL,))
        self.blocks = options.stack((GLOBAL, ENTITIES))

    def forward(
        self, token: Tensor, entities: Keys, words: Keys | None, relation: Relation | None
    ) -> Mixed:
        """Mix.

        Args:
            token: The global token, `B 1 D`.
            entities: The set, `B N D`.
            words: The words of the missions, `M W D`, and which of them each row has; None without.
            relation: What the `1 + N` tokens are to each other.
        """
        token = _read(self.words, token, _always(token), words)
        tokens, mask = _join(token, entities.tokens, entities.mask)
        return _split(self.blocks(tokens, mask, relation=relation), mask)


class EntitiesToWordsMixer(SelfMixer):
    """The global token and every token of the set read the words; then they read each other."""

    def __init__(self, options: MixerOptions) -> None:
        super().__init__(options)
        self.words = _word_block(options, (GLOBAL, ENTITIES))

    def forward(
        self, token: Tensor, entities: Keys, words: Keys | None, relation: Relation | None
    ) -> Mixed:
        """Mix; see `SelfMixer`."""
        tokens, mask = _join(token, entities.tokens, entities.mask)
        tokens = _read(self.words, tokens, mask, words)
        return _split(self.blocks(tokens, mask, relation=relation), mask)


class EgoMixer(nn.Module):
    """The global token alone reads: the words, then itself and the set. The set stays as it was.

    Source: Leurent & Mercat 2019, "Social Attention for Autonomous Decision-Making in Dense
    Traffic", section 3. The cost is linear in `N`.

    Args:
        options: What it is made of.
    """

    pooled = ENTITIES

    def __init__(self, options: MixerOptions) -> None:
        super().__init__()
        self.words = _word_block(options, (GLOBAL,))
        self.blocks = options.stack((GLOBAL,), (GLOBAL, ENTITIES))

    def forward(
        self, token: Tensor, entities: Keys, words: Keys | None, relation: Relation | None
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: the global token has no place."""
        always = _always(token)
        token = _read(self.words, token, always, words)
        keys = Keys(*_join(token, entities.tokens, entities.mask))
        return Mixed(self.blocks(token, always, keys)[:, 0], entities.tokens, entities.mask)


class LatentMixer(nn.Module):
    """A few learned tokens, moved by the global token, read the set and then each other.

    Source: Jaegle et al. 2021, "Perceiver", section 3.1; the inducing points of Lee et al. 2019,
    "Set Transformer". The cost is linear in `N`.

    Args:
        options: What it is made of.
    """

    pooled = LATENTS

    def __init__(self, options: MixerOptions) -> None:
        super().__init__()
        self.words = _word_block(options, (GLOBAL,))
        self.latents = nn.Parameter(torch.randn(options.n_latents, options.width))
        self.read = options.stack((GLOBAL, LATENTS), (ENTITIES,), n_blocks=1)
        self.blocks = options.stack((GLOBAL, LATENTS))

    def forward(
        self, token: Tensor, entities: Keys, words: Keys | None, relation: Relation | None
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: latent tokens have no place."""
        token = _read(self.words, token, _always(token), words)
        latents = token + self.latents
        real = entities.mask.new_ones(latents.shape[:2])
        tokens, mask = _join(token, latents, real)
        return _split(self.blocks(self.read(tokens, mask, entities), mask), mask)


class WordsToEntitiesMixer(nn.Module):
    """The global token and the words read the set and then each other; the words are pooled.

    Args:
        options: What it is made of.
    """

    pooled = WORDS

    def __init__(self, options: MixerOptions) -> None:
        super().__init__()
        self.read = options.stack((GLOBAL, WORDS), (ENTITIES,), n_blocks=1)
        self.blocks = options.stack((GLOBAL, WORDS))

    def forward(
        self, token: Tensor, entities: Keys, words: Keys | None, relation: Relation | None
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: words have no place among the set.

        Raises:
            ValueError: There are no words.
        """
        if words is None:
            raise ValueError("words_to_entities needs words, got none")
        rows = slice(None) if words.rows is None else words.rows
        tokens, mask = _join(token, words.tokens[rows], words.mask[rows])
        return _split(self.blocks(self.read(tokens, mask, entities), mask), mask)


MIXERS: dict[
    str, type[SelfMixer | EntitiesToWordsMixer | EgoMixer | LatentMixer | WordsToEntitiesMixer]
] = {
    "self": SelfMixer,
    "ego": EgoMixer,
    "entities_to_words": EntitiesToWordsMixer,
    "words_to_entities": WordsToEntitiesMixer,
    "latent": LatentMixer,
}
"""From the name of who asks to its module."""


def _word_block(options: MixerOptions, queries: tuple[str, ...]) -> nn.Module | None:
    return options.stack(queries, (WORDS,), n_blocks=1) if options.has_words else None


def _read(block: nn.Module | None, tokens: Tensor, mask: Tensor, words: Keys | None) -> Tensor:
    """Let tokens read the words, if there are any."""
    return tokens if block is None or words is None else block(tokens, mask, words)


def _always(token: Tensor) -> Tensor:
    return torch.ones(token.shape[:2], dtype=torch.bool, device=token.device)


def _join(token: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return torch.cat([token, tokens], dim=1), torch.cat([_always(token), mask], dim=1)


def _split(tokens: Tensor, mask: Tensor) -> Mixed:
    return Mixed(tokens[:, 0], tokens[:, 1:], mask[:, 1:])
