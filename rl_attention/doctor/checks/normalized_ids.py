"""Masks and symbols that `VecNormalize` turns into other numbers."""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.vec_env import VecEnv, VecNormalize, unwrap_vec_normalize

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import Space, is_integer, is_mask, parts_of
from rl_attention.doctor.subject import Subject
from rl_attention.tokenizers.columns import MAX_SYMBOLS
from rl_attention.tokenizers.schema import SET_KEYS, WORDS_KEY

_BYTES = 256


def check(subject: Subject) -> Iterator[Finding]:
    """Find masks and columns of symbols among the keys that are normalised.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: Nothing is normalised.
    """
    normalized = find_normalization(subject)
    before = parts_of(normalized.venv.observation_space)
    for key in normalized_keys(normalized):
        part = before[key]
        if is_mask(key, part):
            yield _finding(key, "error", "a mask, no longer 0 and 1 once it is normalised")
        elif symbols := _count_symbols(key, part):
            severity = "error" if key in (*SET_KEYS, WORDS_KEY) else "warning"
            what = f"{symbols} columns of symbols, no longer whole numbers once normalised"
            yield _finding(key, severity, what)


def find_normalization(subject: Subject) -> VecNormalize:
    """Find the wrapper that normalises observations.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is none.
    """
    found = unwrap_vec_normalize(subject.env) if isinstance(subject.env, VecEnv) else None
    if found is None or not found.norm_obs:
        raise NotApplicable("no VecNormalize changes the observations")
    return found


def normalized_keys(normalized: VecNormalize) -> list[str]:
    """List the keys that are normalised.

    Args:
        normalized: The wrapper.
    """
    parts = parts_of(normalized.observation_space)
    return [key for key in parts if normalized.norm_obs_keys is None or key in _names(normalized)]


def _names(normalized: VecNormalize) -> list[str]:
    return list(normalized.norm_obs_keys or ())


def _count_symbols(key: str, part: Space) -> int:
    """Count columns of few whole numbers; a flat row of any bytes may hold numbers."""
    if not isinstance(part, spaces.Box) or not is_integer(part) or is_image_space(part):
        return 0
    counts = part.high.astype(np.int64) - part.low.astype(np.int64) + 1
    most = MAX_SYMBOLS if key in (*SET_KEYS, WORDS_KEY) else _BYTES - 1
    few = (counts > 1) & (counts <= most)
    return int(few.reshape(-1, part.shape[-1] if part.shape else 1).any(axis=0).sum())


def _finding(key: str, severity: str, what: str) -> Finding:
    fix = "leave this key out of norm_obs_keys of VecNormalize"
    return Finding("normalized_ids", "error" if severity == "error" else "warning", key, what, fix)
