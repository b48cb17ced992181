"""Leaving every random number generator as it was."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def unchanged_randomness() -> Iterator[None]:
    """Give Python, NumPy and torch back the state that they had."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    # a device that nobody has used yet must not be woken up
    cuda: Any = torch.cuda
    used = range(cuda.device_count()) if cuda.is_initialized() else range(0)
    try:
        with torch.random.fork_rng(devices=list(used)):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
