"""Observations to tokens, as the observation space says."""

from rl_attention.tokenizers.observation import ObservationTokenizer
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.schema import read_schema
from rl_attention.tokenizers.tokens import Tokenized

__all__ = ["ObservationTokenizer", "TokenOptions", "Tokenized", "read_schema"]
