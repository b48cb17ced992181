"""Extractors that remember, which shuffled minibatches break."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rl_attention.doctor.findings import Finding
from rl_attention.doctor.network import TOLERANCE, difference
from rl_attention.doctor.subject import Subject

_ROWS = 8
_DEPTH = 4
_NAMED = 3
_FIX = "keep the extractor stateless: bring history in through the observation"


def check(subject: Subject) -> Iterator[Finding]:
    """Find features that depend on what came before, and tensors that change with every call.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model to try.
    """
    network = subject.network()
    twin = network.twin()
    drawn, other = network.draw(_ROWS), network.draw(_ROWS, stream=1)
    first = network.features(twin, drawn).clone()
    before = snapshot(twin)
    network.features(twin, other)
    again = network.features(twin, drawn)
    apart = difference(first, again)
    if apart > TOLERANCE:
        what = f"the same observations give other features ({apart:.2g}) after others came between"
        yield Finding("state", "error", network.path, what, _FIX)
    changed = _changed(before, snapshot(twin))
    if changed:
        named = ", ".join(changed[:_NAMED]) + (", ..." if len(changed) > _NAMED else "")
        what = f"{len(changed)} tensors that are others after the same observations: {named}"
        yield Finding("state", "warning", network.path, what, _FIX)


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Copy the buffers of a module, and every tensor that its attributes hold.

    Args:
        module: Any module.
    """
    found = {path: buffer.clone() for path, buffer in module.named_buffers()}
    for path, part in module.named_modules():
        plain = {key: value for key, value in vars(part).items() if key not in vars(nn.Module())}
        for name, tensor in _tensors(plain, _DEPTH):
            found[f"{path}.{name}".lstrip(".")] = tensor
    return found


def _tensors(values: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, Tensor]]:
    for key, value in values.items():
        if isinstance(value, Tensor | np.ndarray):
            yield str(key), torch.as_tensor(value).detach().clone()
        elif depth and isinstance(value, Mapping):
            yield from ((f"{key}.{name}", one) for name, one in _tensors(value, depth - 1))
        elif depth and isinstance(value, list | tuple | deque):
            inner = dict(enumerate(value))
            yield from ((f"{key}.{name}", one) for name, one in _tensors(inner, depth - 1))


def _changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """List what is another tensor now, or has come or gone."""
    moved = (
        path
        for path in before.keys() & after.keys()
        if before[path].shape != after[path].shape
        or not torch.allclose(before[path].double(), after[path].double(), equal_nan=True)
    )
    return sorted({*moved, *(before.keys() ^ after.keys())})
