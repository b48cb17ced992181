"""Every part of the attention family as a module of tokens and mask, in one form.

What comes out for each token moves with the tokens, what comes out for the whole set does not.
"""

from functools import partial
from typing import NamedTuple

import torch

from rl_attention.combinations import POSITIONS, SCOPES
from rl_attention.nn import (
    BLOCKS,
    MIXERS,
    POOLINGS,
    SCORES,
    WEIGHTS,
    AttentionOptions,
    ChunkReading,
    DenseReading,
    GrowingSum,
    Layout,
    MixerOptions,
    MultiHeadAttention,
    Packed,
    Relations,
    Words,
    full_layout,
    layout_of,
    read_pairs,
    read_shared,
)

WIDTH = 8
SEGMENTS = ("entities",)
SPANS = (5, 5)
MEMBERS = [
    AttentionOptions(n_heads=2, score=score, weights=weights, top_k=2)
    for weights in WEIGHTS
    for score in SCORES
    if weights != "uniform" or score == "scaled_dot_product"
]


class Out(NamedTuple):
    each: torch.Tensor | None
    whole: torch.Tensor | None


def opened(module):
    """Let layers add all that they find, as those that start at nothing do after some training."""
    for part in module.modules():
        if isinstance(part, GrowingSum):
            torch.nn.init.ones_(part.share)
    return module


def name_of(options):
    return f"{options.score}-{options.weights}"


def places_of(tokens, mask):
    """Places that depend on the token alone, so that they move with it: `B N 2`, 0 to 4."""
    plain = tokens.detach().masked_fill(~mask[..., None], 0.0).nan_to_num()
    return (plain[..., :2] * 2).round().clamp(-2, 2) + 2


def global_token(tokens):
    return torch.linspace(-1, 1, WIDTH, dtype=tokens.dtype).expand(len(tokens), 1, -1)


class Related(torch.nn.Module):
    """Self-attention among the global token and tokens that have places."""

    def __init__(self, options, *, radius=None, spans=None):
        super().__init__()
        segments = ("global", "entities")
        self.attention = MultiHeadAttention(WIDTH, options=options, queries=segments)
        used = None if options.uniform else spans
        self.relations = Relations(n_heads=options.n_heads, radius=radius, spans=used)
        if self.relations.bias is not None:
            torch.nn.init.normal_(self.relations.bias.table)

    def forward(self, tokens, mask):
        layout, rows = layout_of(mask), full_layout(len(mask), 1, mask.device)
        places = layout.pack(places_of(tokens, mask))
        packed = torch.cat([global_token(tokens)[:, 0], layout.pack(tokens)])
        found = self.attention(packed, self.relations(rows, layout, places))
        return Out(spread(found[len(mask) :], layout, mask), found[: len(mask), None])


def spread(packed, layout, mask):
    """Pad to the full width of the mask again."""
    return Layout(layout.row, layout.slot, *mask.shape).pad(packed)


class Plain(torch.nn.Module):
    """Self-attention and nothing around it, in one of three ways to compute it."""

    def __init__(self, options, *, way=read_pairs):
        super().__init__()
        self.attention = MultiHeadAttention(WIDTH, options=options, queries=SEGMENTS)
        self.way = way

    def forward(self, tokens, mask):
        layout = layout_of(mask)
        found = self.attention(layout.pack(tokens), self.way(layout, layout))
        return Out(spread(found, layout, mask), None)


def shared(queries, keys):
    """Every row of queries reads its own row of keys, by way of all of them."""
    return read_shared(queries, keys, torch.arange(queries.n_rows))


class Block(torch.nn.Module):
    """A block; crossed, its tokens read themselves as the other kind, in another order."""

    def __init__(self, options, *, kind, crossed):
        super().__init__()
        keys = SEGMENTS if crossed else None
        self.crossed = crossed
        self.block = opened(
            BLOCKS[kind](WIDTH, options=options, feedforward=12, queries=SEGMENTS, keys=keys)
        )

    def forward(self, tokens, mask):
        layout = layout_of(mask)
        packed = layout.pack(tokens)
        if self.crossed:
            other = layout_of(mask.flip(1))
            found = self.block(packed, read_pairs(layout, other), other.pack(tokens.flip(1)))
        else:
            found = self.block(packed, read_pairs(layout, layout))
        return Out(spread(found, layout, mask), None)


class Pool(torch.nn.Module):
    def __init__(self, options, *, kind):
        super().__init__()
        self.pooling = POOLINGS[kind](WIDTH, options=options, keys=SEGMENTS)

    def forward(self, tokens, mask):
        layout = layout_of(mask)
        found = self.pooling(layout.pack(tokens), layout, global_token(tokens)[:, 0])
        return Out(None, found[:, None])


class Mixer(torch.nn.Module):
    """Who asks, with two words of one of two missions."""

    def __init__(self, options, *, kind):
        super().__init__()
        self.mixer = MIXERS[kind](MixerOptions(WIDTH, options, "pre_norm", 1, 12, 3, True))
        words = torch.linspace(-1, 1, 3 * WIDTH, dtype=torch.float64).sin().view(3, WIDTH)
        self.register_buffer("words", words)
        self.relations = Relations(n_heads=options.n_heads)

    def forward(self, tokens, mask):
        layout = layout_of(mask)
        mission = torch.arange(len(tokens)) * 0
        words_layout = layout_of(torch.tensor([[True, True], [True, False]]))
        words = Words(self.words.to(tokens.dtype), words_layout, mission)
        relate = partial(self.relations, places=None)
        entities = Packed(layout.pack(tokens), layout)
        asker, found, among = self.mixer(global_token(tokens)[:, 0], entities, words, relate)
        if self.mixer.pooled == "entities":
            return Out(spread(found, among, mask), asker[:, None])
        return Out(None, torch.cat([asker[:, None], among.pad(found)], dim=1))


PARTS = {
    "attention": Plain,
    "dense attention": lambda options: Plain(options, way=DenseReading),
    "shared attention": lambda options: Plain(options, way=shared),
    "chunked attention": lambda options: Plain(options, way=partial(ChunkReading, lane=1)),
    "local": lambda options: Related(options, radius=1),
    "relative": lambda options: Related(options, spans=SPANS),
    **{
        f"{kind} block{' across' if crossed else ''}": (
            lambda options, kind=kind, crossed=crossed: Block(options, kind=kind, crossed=crossed)
        )
        for kind in BLOCKS
        for crossed in (False, True)
    },
    **{
        f"{kind} pooling": (lambda options, kind=kind: Pool(options, kind=kind))
        for kind, module in POOLINGS.items()
        if module is not None
    },
    **{f"{kind} mixer": (lambda options, kind=kind: Mixer(options, kind=kind)) for kind in MIXERS},
}
FAMILY = {
    "score": SCORES,
    "weights": WEIGHTS,
    "attention": MIXERS,
    "scope": SCOPES,
    "position": POSITIONS,
    "block": BLOCKS,
    "pooling": POOLINGS,
}
"""From each axis of the family, as the extractor spells it, to its members."""

READS_ZEROS = (
    "attention",
    "dense attention",
    "shared attention",
    "chunked attention",
    *(name for name in PARTS if name.endswith("pooling")),
)
"""Parts of which nothing is left where no token is real."""
