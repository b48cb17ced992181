"""Features extractors for Stable-Baselines3: attention and its control arms."""

from rl_attention.extractors.attention import AttentionExtractor, UniformExtractor
from rl_attention.extractors.cnn import CNNExtractor
from rl_attention.extractors.mlp import MLPExtractor
from rl_attention.extractors.parameters import EXTRACTORS, count_parameters, match_parameters

__all__ = [
    "EXTRACTORS",
    "AttentionExtractor",
    "CNNExtractor",
    "MLPExtractor",
    "UniformExtractor",
    "count_parameters",
    "match_parameters",
]
