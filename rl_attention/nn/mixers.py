"""Who asks: how the global token, the set and the words read each other before the pooling.

Every mixer takes the global token, the set and the words, and gives back the global token and the
set that is then pooled, whose segment name is `pooled`. Axes: `B` batch, `N` tokens of a row of the
set, `T` packed tokens, `L` latent tokens, `M` missions, `W` words of one, `D` width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions
from rl_attention.nn.blocks import Stack
from rl_attention.nn.ragged import Layout, PaddedLayout, full_layout, layout_of
from rl_attention.nn.reading import DenseReading, Reading, read_pairs, read_shared

GLOBAL, ENTITIES, WORDS, LATENTS = "global", "entities", "words", "latents"


Relate: TypeAlias = Callable[[Layout, Layout], Reading]
"""From where the global tokens and the set stand to what they are to each other."""


class Packed(NamedTuple):
    """Tokens of rows of different lengths, one below the other.

    Attributes:
        tokens: `T D`.
        layout: Where they stand.
    """

    tokens: Tensor
    layout: Layout


class Words(NamedTuple):
    """The words of the distinct missions of a batch.

    Attributes:
        tokens: Packed, `T D`.
        layout: Where they stand among `M` missions.
        mission: Which of the missions each row has, `B`.
    """

    tokens: Tensor
    layout: Layout
    mission: Tensor


class Mixed(NamedTuple):
    """What a mixer gives.

    Attributes:
        asker: The global token, `B D`.
        tokens: The set to be pooled, packed, `T D`.
        layout: Where it stands.
    """

    asker: Tensor
    tokens: Tensor
    layout: Layout


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
    readers: tuple[str, ...] = (GLOBAL,)

    def __init__(self, options: MixerOptions) -> None:
        super().__init__()
        self.words = _word_block(options, self.readers)
        self.blocks = options.stack((GLOBAL, ENTITIES))

    def forward(
        self, token: Tensor, entities: Packed, words: Words | None, relate: Relate
    ) -> Mixed:
        """Mix.

        Args:
            token: The global token, `B D`.
            entities: The set.
            words: The words; None without.
            relate: Gives what the global tokens and those of the set are to each other.
        """
        rows = _one_each(token)
        tokens = self._inform(token, entities, words, rows)
        tokens = self.blocks(tokens, relate(rows, entities.layout))
        return _split(tokens, len(token), entities.layout)

    def _inform(self, token: Tensor, entities: Packed, words: Words | None, rows: Layout) -> Tensor:
        """Let those who read the words read them."""
        return torch.cat([_read(self.words, token, rows, words), entities.tokens])


class EntitiesToWordsMixer(SelfMixer):
    """The global token and every token of the set read the words; then they read each other."""

    readers = (GLOBAL, ENTITIES)

    def _inform(self, token: Tensor, entities: Packed, words: Words | None, rows: Layout) -> Tensor:
        tokens = torch.cat([token, entities.tokens])
        return _read(self.words, tokens, rows.then(entities.layout), words)


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
        self, token: Tensor, entities: Packed, words: Words | None, relate: Relate
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: the global token has no place."""
        rows = _one_each(token)
        token = _read(self.words, token, rows, words)
        keys, joint = torch.cat([token, entities.tokens]), rows.then(entities.layout)
        read = DenseReading if isinstance(joint, PaddedLayout) else read_pairs
        token = self.blocks(token, read(rows, joint), keys)
        return Mixed(token, entities.tokens, entities.layout)


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
        self, token: Tensor, entities: Packed, words: Words | None, relate: Relate
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: latent tokens have no place."""
        rows = _one_each(token)
        token = _read(self.words, token, rows, words)
        latents = (token[:, None] + self.latents).flatten(end_dim=1)
        layout = full_layout(len(token), len(self.latents), token.device)
        tokens, joint = torch.cat([token, latents]), rows.then(layout)
        tokens = self.read(tokens, DenseReading(joint, entities.layout), entities.tokens)
        return _split(self.blocks(tokens, DenseReading(joint, joint)), len(token), layout)


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
        self, token: Tensor, entities: Packed, words: Words | None, relate: Relate
    ) -> Mixed:
        """Mix; see `SelfMixer`. No relation is used: words have no place among the set.

        Raises:
            ValueError: There are no words.
        """
        if words is None:
            raise ValueError("words_to_entities needs words, got none")
        rows = _one_each(token)
        own, layout = _own_words(words, rows)
        tokens, joint = torch.cat([token, own]), rows.then(layout)
        tokens = self.read(tokens, DenseReading(joint, entities.layout), entities.tokens)
        return _split(self.blocks(tokens, DenseReading(joint, joint)), len(token), layout)


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


def _read(block: nn.Module | None, tokens: Tensor, layout: Layout, words: Words | None) -> Tensor:
    """Let tokens read the words, if there are any."""
    if block is None or words is None:
        return tokens
    return block(tokens, read_shared(layout, words.layout, words.mission), words.tokens)


def _own_words(words: Words, rows: Layout) -> Packed:
    """Give each row the words of its mission."""
    if isinstance(words.layout, PaddedLayout):
        layout = layout_of(words.layout.mask[words.mission])
        return Packed(layout.pack(words.layout.pad(words.tokens)[words.mission]), layout)
    own = read_pairs(rows, words.layout, words.mission)
    layout = Layout(own.query, own.slot, rows.n_rows, words.layout.n_slots)
    return Packed(words.tokens.index_select(0, own.key), layout)


def _one_each(token: Tensor) -> Layout:
    return full_layout(len(token), 1, token.device)


def _split(tokens: Tensor, n_rows: int, layout: Layout) -> Mixed:
    return Mixed(tokens[:n_rows], tokens[n_rows:], layout)
