"""Every part of the attention family as a module of tokens and mask, in one form.

What comes out for each token moves with the tokens, what comes out for the whole set does not.
"""

from typing import NamedTuple

import torch

from rl_attention.nn import (
    BLOCKS,
    MIXERS,
    POOLINGS,
    SCORES,
    WEIGHTS,
    AttentionOptions,
    Keys,
    MixerOptions,
    MultiHeadAttention,
    Relations,
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
        self.attention = MultiHeadAttention(WIDTH, options=options, queries=segments, keys=segments)
        used = None if options.uniform else spans
        self.relations = Relations(n_heads=options.n_heads, radius=radius, spans=used)
        if self.relations.bias is not None:
            torch.nn.init.normal_(self.relations.bias.table)

    def forward(self, tokens, mask):
        relation = self.relations(places_of(tokens, mask))
        tokens = torch.cat([global_token(tokens), tokens], dim=1)
        mask = torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)
        found = self.attention(tokens, mask, Keys(tokens, mask), relation)
        return Out(found[:, 1:], found[:, :1])


class Plain(torch.nn.Module):
    """Self-attention and nothing around it."""

    def __init__(self, options):
        super().__init__()
        self.attention = MultiHeadAttention(WIDTH, options=options, queries=SEGMENTS, keys=SEGMENTS)

    def forward(self, tokens, mask):
        return Out(self.attention(tokens, mask, Keys(tokens, mask)), None)


class Block(torch.nn.Module):
    """A block; crossed, its tokens read themselves as the other kind, in another order."""

    def __init__(self, options, *, kind, crossed):
        super().__init__()
        keys = SEGMENTS if crossed else None
        self.crossed = crossed
        self.block = BLOCKS[kind](
            WIDTH, options=options, feedforward=12, queries=SEGMENTS, keys=keys
        )

    def forward(self, tokens, mask):
        keys = Keys(tokens.flip(1), mask.flip(1)) if self.crossed else None
        return Out(self.block(tokens, mask, keys), None)


class Pool(torch.nn.Module):
    def __init__(self, options, *, kind):
        super().__init__()
        self.pooling = POOLINGS[kind](WIDTH, options=options, keys=SEGMENTS)

    def forward(self, tokens, mask):
        return Out(None, self.pooling(tokens, mask, global_token(tokens)[:, 0])[:, None])


class Mixer(torch.nn.Module):
    """Who asks, with two words of one of two missions."""

    def __init__(self, options, *, kind):
        super().__init__()
        self.mixer = MIXERS[kind](MixerOptions(WIDTH, options, "pre_norm", 1, 12, 3, True))
        words = torch.linspace(-1, 1, 4 * WIDTH, dtype=torch.float64).sin().view(2, 2, WIDTH)
        self.register_buffer("words", words)

    def forward(self, tokens, mask):
        rows = torch.arange(len(tokens)) * 0
        words_mask = torch.tensor([[True, True], [True, False]])
        words = Keys(self.words.to(tokens.dtype), words_mask, rows)
        asker, found, found_mask = self.mixer(global_token(tokens), Keys(tokens, mask), words, None)
        whole = asker[:, None]
        if self.mixer.pooled == "entities":
            return Out(found, whole)
        found = found * found_mask[..., None]
        return Out(None, torch.cat([whole, found], dim=1))


PARTS = {
    "attention": Plain,
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
READS_ZEROS = ("attention", *(name for name in PARTS if name.endswith("pooling")))
"""Parts of which nothing is left where no token is real."""
