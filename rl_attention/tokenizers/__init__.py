"""Observations to tokens, as the observation space says."""

from rl_attention.tokenizers.observation import ObservationTokenizer
from rl_attention.tokenizers.tokens import Tokenized, Tokens

__all__ = ["ObservationTokenizer", "Tokenized", "Tokens"]
