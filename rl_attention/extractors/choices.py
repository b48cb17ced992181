"""Checking the options of an extractor before anything is built."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

from rl_attention.combinations import (
    PLACED_KINDS,
    POSITIONS,
    SCOPES,
    find_combination_conflict,
    find_frames_conflict,
    find_place_conflict,
)
from rl_attention.errors import UserError
from rl_attention.nn import BLOCKS, MIXERS, POOLINGS
from rl_attention.tokenizers import TokenOptions
from rl_attention.tokenizers.options import check_whole

_KNOWN = {
    "attention": tuple(MIXERS),
    "block": tuple(BLOCKS),
    "pooling": tuple(POOLINGS),
    "position": POSITIONS,
    "scope": SCOPES,
}
_LEAST = {
    "width": 1,
    "n_heads": 1,
    "n_blocks": 0,
    "n_latents": 1,
    "top_k": 1,
    "feedforward": 1,
    "features_dim": 1,
    "patch_size": 1,
}


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
        check_whole(name, choices[name], least)
    _check_radius(choices["radius"], kind)
    conflict = find_combination_conflict(choices, kind=kind, has_words=has_words)
    if conflict is not None:
        raise UserError(f"{conflict[0]}: {conflict[1]}")


def check_position(options: TokenOptions, *, kind: str) -> None:
    """Refuse a way to read past frames, or a position, that a control arm cannot have.

    Args:
        options: How the observation is read.
        kind: Which set the observation holds.

    Raises:
        ValueError: The name is unknown.
        UserError: It does not go with the set.
    """
    position = options.position
    if position not in POSITIONS:
        raise ValueError(f"position must be one of {', '.join(POSITIONS)}, got {position!r}")
    conflict = find_place_conflict(position, "global", options.place_columns, kind=kind)
    conflict = conflict or find_frames_conflict(options.frames, kind=kind)
    if conflict is not None:
        raise UserError(f"{conflict[0]}: {conflict[1]}")


def check_sizes(**sizes: Any) -> None:
    """Refuse sizes of layers that are no whole number of at least 1.

    Args:
        **sizes: Sizes by name.

    Raises:
        ValueError: One is.
    """
    for name, value in sizes.items():
        check_whole(name, value, 1)


def warn_of_dropout(dropout: float) -> None:
    """Say what dropout does to algorithms that compare how they act with how they learn.

    Args:
        dropout: The share that is dropped; 0 gives no warning.
    """
    if dropout:
        warnings.warn(
            f"dropout={dropout}: Stable-Baselines3 acts without dropout and learns with it, so the "
            "probability ratio of PPO and TRPO does not start at 1 and the updates of A2C get "
            "noisier; use it with DQN or SAC, or leave it at 0",
            stacklevel=3,
        )


def _check_radius(radius: Any, kind: str) -> None:
    number = isinstance(radius, int | float) and not isinstance(radius, bool)
    if not number or not math.isfinite(radius) or radius <= 0:
        raise ValueError(f"radius must be a finite number above 0, got {radius!r}")
    if radius < 1 and kind in PLACED_KINDS:
        raise ValueError(f"radius must be at least 1 for {kind!r}, got {radius!r}")
