"""Random draws that depend on what they are for, never on the order of the runs."""

import hashlib
import struct

import numpy as np

_SEED = 0
_WORDS = struct.Struct("<8L")


def stream(*names: str) -> np.random.Generator:
    """Return the generator of one purpose: the same names always give the same draws.

    A stream of its own for each number keeps that number as it is where another arm or task is
    added to a report.

    Args:
        *names: What the draws are for, such as the statistic, the task and the arm.
    """
    text = "\0".join(names).encode("utf-8", "backslashreplace")
    key = _WORDS.unpack(hashlib.sha256(text).digest())
    return np.random.default_rng(np.random.SeedSequence(_SEED, spawn_key=key))
