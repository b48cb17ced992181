"""Forward and backward passes of attention over sequences of any length."""

from collections.abc import Callable
from typing import Any

import torch
from gymnasium import spaces

from rl_attention import AttentionExtractor

BATCH = 8
N_COLUMNS = 8

KINDS: dict[str, dict[str, Any]] = {
    "global": {"scope": "global"},
    "local": {"scope": "local", "radius": 4},
    "latent": {"attention": "latent", "n_latents": 8},
}
"""From the name of a kind of attention to the options of the extractor that has it."""


def make_pass(kind: str, n_tokens: int) -> Callable[[], None]:
    """Build an extractor and its input, and return what runs one pass forward and back.

    Args:
        kind: A key of `KINDS`.
        n_tokens: Tokens of an observation.
    """
    torch.manual_seed(0)
    space = spaces.Dict(history=spaces.Box(-1.0, 1.0, (n_tokens, N_COLUMNS)))
    extractor = AttentionExtractor(space, n_blocks=1, **KINDS[kind])
    observations = {"history": 2 * torch.rand(BATCH, n_tokens, N_COLUMNS) - 1}

    def run() -> None:
        extractor.zero_grad(set_to_none=True)
        extractor(observations).square().mean().backward()

    return run
