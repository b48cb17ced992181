"""Checking the options of attention before anything is built."""

import warnings
from collections.abc import Mapping
from typing import Any

from rl_attention.combinations import POSITIONS, SCOPES, find_combination_conflict
from rl_attention.errors import UserError
from rl_attention.nn import BLOCKS, MIXERS, POOLINGS

_KNOWN = {
    "attention": tuple(MIXERS),
    "block": tuple(BLOCKS),
    "pooling": tuple(POOLINGS),
    "position": POSITIONS,
    "scope": SCOPES,
}
_LEAST = {"n_blocks": 0, "n_latents": 1, "radius": 1}


def check_choices(choices: Mapping[str, Any], *, kind: str, has_words: bool) -> None:
    """Refuse what is unknown, out of range, or does not go together.

    Args:
        choices: Options of `AttentionExtractor` by name.
        kind: Which set the observation holds.
        has_words: Whether it holds words.

    Raises:
        ValueError: A name is unknown, or a number out of range.
        UserError: Two options do not go together, or one does not go with the observation.
    """
    for name, known in _KNOWN.items():
        if choices[name] not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {choices[name]!r}")
    for name, least in _LEAST.items():
        if choices[name] < least:
            raise ValueError(f"{name} must be at least {least}, got {choices[name]}")
    conflict = find_combination_conflict(choices, kind=kind, has_words=has_words)
    if conflict is not None:
        raise UserError(f"{conflict[0]}: {conflict[1]}")


def warn_of_dropout(dropout: float) -> None:
    """Say what dropout does to algorithms that compare how they act with how they learn.

    Args:
        dropout: The share that is dropped; 0 gives no warning.
    """
    if dropout:
        warnings.warn(
            f"dropout={dropout}: Stable-Baselines3 acts without dropout and learns with it, so "
            "under PPO, A2C and TRPO the probability ratio does not start at 1 and updates get "
            "noisy; use it with DQN or SAC, or leave it at 0",
            stacklevel=3,
        )
