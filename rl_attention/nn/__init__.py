"""Pure torch parts of attention: scores, weights, blocks, pooling, probes."""

from rl_attention.nn.attention import AttentionOptions, MultiHeadAttention
from rl_attention.nn.blocks import CrossAttentionBlock, SelfAttentionBlock
from rl_attention.nn.embedding import ColumnEmbedding, GridPositions, SequencePositions
from rl_attention.nn.linear import Conv2d, Linear, feed_forward
from rl_attention.nn.pooling import LearnedQueryPooling
from rl_attention.nn.probe import Probe
from rl_attention.nn.scores import SCORES
from rl_attention.nn.weights import WEIGHTS

__all__ = [
    "SCORES",
    "WEIGHTS",
    "AttentionOptions",
    "ColumnEmbedding",
    "Conv2d",
    "CrossAttentionBlock",
    "GridPositions",
    "LearnedQueryPooling",
    "Linear",
    "MultiHeadAttention",
    "Probe",
    "SelfAttentionBlock",
    "SequencePositions",
    "feed_forward",
]
