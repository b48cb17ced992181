"""A trained extractor as a file of its own, to move between algorithms and processes."""

from rl_attention.exchange.moving import load_extractor, save_extractor

__all__ = ["load_extractor", "save_extractor"]
