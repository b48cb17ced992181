"""Nested state in two parts: tensors for safetensors, and the rest as plain JSON."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rl_attention.checkpoints.manifest import CheckpointError

Tensors = dict[str, Tensor]


def pack(state: Any, tensors: Tensors, *, at: str = "") -> Any:
    """Split nested state; a tensor that stands in several places is kept once.

    Args:
        state: Dicts, lists and tuples of tensors, arrays, numbers, texts and None.
        tensors: Gets every tensor and array under the path to it.
        at: The path to `state`.

    Returns:
        The state as plain JSON, with the names of its tensors.

    Raises:
        TypeError: The state holds something else, which only pickle could keep.
    """
    if isinstance(state, Tensor):
        return {"tensor": _keep(state.detach(), tensors, at)}
    if isinstance(state, np.ndarray):
        return {"array": _keep(torch.from_numpy(np.ascontiguousarray(state)), tensors, at)}
    if isinstance(state, np.generic):
        return pack(state.item(), tensors, at=at)
    if isinstance(state, float):
        # every finite number comes back from JSON as it was
        return state if math.isfinite(state) else {"float": str(state)}
    if state is None or isinstance(state, bool | int | str):
        return state
    if isinstance(state, dict):
        pairs = [[key, pack(value, tensors, at=f"{at}/{key}")] for key, value in state.items()]
        return {"dict": pairs}
    if isinstance(state, list | tuple):
        parts = [pack(value, tensors, at=f"{at}/{i}") for i, value in enumerate(state)]
        return {"tuple" if isinstance(state, tuple) else "list": parts}
    raise TypeError(f"expected tensors, numbers and text at {at!r}, got {type(state).__name__}")


def unpack(packed: Any, tensors: Tensors) -> Any:
    """Put together what `pack` split.

    Args:
        packed: The plain part.
        tensors: The tensors by name.

    Raises:
        CheckpointError: The two do not belong together.
    """
    if not isinstance(packed, dict):
        return packed
    if len(packed) != 1:
        raise CheckpointError(f"expected one kind of state, got {sorted(packed)}")
    ((kind, content),) = packed.items()
    try:
        if kind == "tensor":
            return tensors[content]
        if kind == "array":
            return tensors[content].numpy()
        if kind == "float":
            return float(content)
        if kind == "dict":
            return {key: unpack(value, tensors) for key, value in content}
        parts = [unpack(value, tensors) for value in content]
        return {"list": list, "tuple": tuple}[kind](parts)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"state that cannot be read: {error}") from None


def _keep(tensor: Tensor, tensors: Tensors, name: str) -> str:
    for known, other in tensors.items():
        if _same_memory(tensor, other):
            return known
    tensors[name] = tensor
    return name


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return (
        one.numel() > 0
        and one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.dtype == other.dtype
        and one.stride() == other.stride()
    )
