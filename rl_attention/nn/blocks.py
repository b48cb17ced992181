"""Blocks: tokens read tokens, then each passes a feed-forward layer.

Every block maps packed tokens, `T D`, to `T D`. Without `keys` its tokens read each other
(self-attention), with `keys` they read others (cross-attention).
"""

from torch import Tensor, nn

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.linear import feed_forward
from rl_attention.nn.reading import Reading
from rl_attention.nn.residual import GrowingSum, GRUGate, Sum


class Block(nn.Module):
    """What every block has: attention and a feed-forward layer.

    Args:
        width: Size `D` of a token.
        options: Heads, score and weights.
        feedforward: Hidden size of the feed-forward layer.
        queries: Segment names of the tokens that read, for the probe.
        keys: Segment names of the tokens that are read; None: they read each other.
    """

    def __init__(
        self,
        width: int,
        *,
        options: AttentionOptions,
        feedforward: int,
        queries: tuple[str, ...],
        keys: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, options=options, queries=queries, keys=keys)
        self.feedforward = feed_forward(width, feedforward)
        self.add_rest(width, asks=keys is None or not options.uniform, crossed=keys is not None)

    def add_rest(self, width: int, *, asks: bool, crossed: bool) -> None:
        """Make what surrounds the two.

        Args:
            width: Size `D` of a token.
            asks: Whether what the queries are has an effect; with uniform weights it has none.
            crossed: Whether the tokens read others.
        """
        raise NotImplementedError

    def forward(self, tokens: Tensor, reading: Reading, keys: Tensor | None = None) -> Tensor:
        """Let the tokens read.

        Args:
            tokens: Packed, `T D`.
            reading: Which of them reads which key.
            keys: What they read, packed, `Tk D`; None: each other.

        Returns:
            The tokens with what they read, `T D`.
        """
        raise NotImplementedError


class PreNormBlock(Block):
    """A Transformer block whose norms stand before its layers, on the residual branch.

    Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", which needs
    no warm-up of the learning rate.
    """

    residual: type[Sum | GrowingSum | GRUGate] = Sum

    def add_rest(self, width: int, *, asks: bool, crossed: bool) -> None:
        """Make the norms and what joins the residual branch; see `Block`."""
        self.norm = nn.LayerNorm(width) if asks else nn.Identity()
        self.key_norm = nn.LayerNorm(width) if crossed else None
        self.feedforward_norm = nn.LayerNorm(width)
        self.after_attention = self.residual(width)
        self.after_feedforward = self.residual(width)

    def forward(self, tokens: Tensor, reading: Reading, keys: Tensor | None = None) -> Tensor:
        """Let the tokens read; see `Block`."""
        if keys is not None and self.key_norm is not None:
            keys = self.key_norm(keys)
        tokens = self.after_attention(tokens, self.attention(self.norm(tokens), reading, keys))
        return self.after_feedforward(tokens, self.feedforward(self.feedforward_norm(tokens)))


class ReZeroBlock(PreNormBlock):
    """A pre-norm block whose layers add nothing at the start, so that they cannot be in the way.

    A policy whose reward is rare learns from noise for long; what a layer has to offer comes in as
    far as it is of use. Source: Bachlechner et al. 2020, "ReZero is All You Need", section 3; the
    norms stay.
    """

    residual = GrowingSum


class GTrXLBlock(PreNormBlock):
    """A pre-norm block with a gate in place of each sum, open a little way at the start.

    Source: Parisotto et al. 2020, "Stabilizing Transformers for Reinforcement Learning", section 3;
    its memory of past segments is left out, as an extractor keeps no state.
    """

    residual = GRUGate


class RelationalBlock(Block):
    """Read, pass what was read through a small network, add it, and normalise the sum.

    Source: Zambaldi et al. 2019, "Deep Reinforcement Learning with Relational Inductive Biases",
    section 2; several of them in a row are one block applied several times.
    """

    def add_rest(self, width: int, *, asks: bool, crossed: bool) -> None:
        """Make the norm; see `Block`."""
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, reading: Reading, keys: Tensor | None = None) -> Tensor:
        """Let the tokens read; see `Block`."""
        return self.norm(tokens + self.feedforward(self.attention(tokens, reading, keys)))


BLOCKS: dict[str, type[Block]] = {
    "pre_norm": PreNormBlock,
    "rezero": ReZeroBlock,
    "gtrxl": GTrXLBlock,
    "relational": RelationalBlock,
}
"""From the name of a block to its module."""

SHARED = ("relational",)
"""Blocks that several layers share."""


class Stack(nn.Module):
    """Blocks of one kind, one after the other.

    Args:
        kind: A key of `BLOCKS`; one of `SHARED` is made once and applied `n_blocks` times.
        n_blocks: How often the tokens read.
        width: Size `D` of a token.
        options: Heads, score and weights.
        feedforward: Hidden size of the feed-forward layers.
        queries: Segment names of the tokens that read, for the probes.
        keys: Segment names of the tokens that are read; None: they read each other.
    """

    def __init__(
        self,
        kind: str,
        n_blocks: int,
        width: int,
        *,
        options: AttentionOptions,
        feedforward: int,
        queries: tuple[str, ...],
        keys: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        shared = kind in SHARED
        self.repeats = n_blocks if shared else 1
        self.blocks = nn.ModuleList(
            BLOCKS[kind](
                width, options=options, feedforward=feedforward, queries=queries, keys=keys
            )
            for _ in range(min(n_blocks, 1) if shared else n_blocks)
        )

    def forward(self, tokens: Tensor, reading: Reading, keys: Tensor | None = None) -> Tensor:
        """Map `T D` to `T D`; see `Block`."""
        for _ in range(self.repeats):
            for block in self.blocks:
                tokens = block(tokens, reading, keys)
        return tokens
