"""Pure torch parts of attention: scores, weights, blocks, who asks, pooling, positions, probes."""

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.blocks import BLOCKS, GTrXLBlock, PreNormBlock, RelationalBlock, Stack
from rl_attention.nn.chunks import ChunkReading
from rl_attention.nn.embedding import ColumnEmbedding
from rl_attention.nn.linear import Conv2d, Linear, feed_forward
from rl_attention.nn.mixers import MIXERS, MixerOptions, Packed, Words
from rl_attention.nn.pooling import POOLINGS, LearnedQueryPooling
from rl_attention.nn.positions import POSITIONS, LearnedPositions, SinusoidalPositions
from rl_attention.nn.probe import Probe
from rl_attention.nn.ragged import Layout, full_layout, layout_of
from rl_attention.nn.reading import DenseReading, read_pairs, read_set, read_shared
from rl_attention.nn.relations import Relations
from rl_attention.nn.residual import GrowingSum, GRUGate
from rl_attention.nn.scores import SCORES
from rl_attention.nn.weights import WEIGHTS

__all__ = [
    "BLOCKS",
    "MIXERS",
    "POOLINGS",
    "POSITIONS",
    "SCORES",
    "WEIGHTS",
    "AttentionOptions",
    "ChunkReading",
    "ColumnEmbedding",
    "Conv2d",
    "DenseReading",
    "GRUGate",
    "GTrXLBlock",
    "GrowingSum",
    "Layout",
    "LearnedPositions",
    "LearnedQueryPooling",
    "Linear",
    "MixerOptions",
    "MultiHeadAttention",
    "Packed",
    "PreNormBlock",
    "Probe",
    "RelationalBlock",
    "Relations",
    "SinusoidalPositions",
    "Stack",
    "Words",
    "feed_forward",
    "full_layout",
    "layout_of",
    "read_pairs",
    "read_set",
    "read_shared",
]
