"""Asking a network something without leaving a trace in it."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn


@contextmanager
def same_modes(module: nn.Module) -> Iterator[None]:
    """Put every part back into the mode, training or evaluation, that it is in."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def uncompiled() -> AbstractContextManager[Any]:
    """Run compiled modules eagerly: a compiled one does not call hooks that came after it."""
    if "torch._dynamo" not in sys.modules:  # nothing was ever compiled; the import takes seconds
        return nullcontext()
    eager: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return eager
