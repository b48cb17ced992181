"""A network's weights in a file that holds numbers and nothing else."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.files import check_tensor_file, open_plain, write_atomically

_MAX_BYTES = 1 << 30
_BLOCK = 1 << 20
_KINDS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Map names to parameters and buffers, each tensor once.

    `state_dict` holds a shared extractor's tensors three times, which safetensors refuses.
    """
    return dict(module.named_parameters()) | dict(module.named_buffers())


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a network's weights, whole or not at all."""
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in named_tensors(module).items()
    }
    write_atomically(path, lambda file: file.write(save(tensors)))


def count_stored(path: Path) -> int:
    """Count the numbers that a file of weights has room for, at most.

    Args:
        path: What `save_weights` wrote.

    Raises:
        UserError: It is a link, too large, or cannot hold weights.
    """
    size = check_tensor_file(path, limit=_MAX_BYTES)
    return size // torch.float32.itemsize


def hash_weights(path: Path) -> str:
    """Return the SHA-256 of a file of weights, in hexadecimal digits.

    Args:
        path: What `save_weights` wrote.

    Raises:
        UserError: It is a link, too large, or not there.
    """
    total = hashlib.sha256()
    with open_plain(path, limit=_MAX_BYTES) as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            total.update(block)
    return total.hexdigest()


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy weights from a file into a network of the same build, all of them or none.

    Args:
        module: The network.
        path: What `save_weights` wrote.

    Raises:
        UserError: The file cannot be read, its tensors are not the network's, or one holds
            numbers that are not finite.
    """
    count_stored(path)
    wanted = named_tensors(module)
    try:
        with safe_open(path, framework="pt") as stored:
            _refuse_other(wanted, stored, path)
            tensors = {name: stored.get_tensor(name) for name in wanted}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: expected saved weights, but: {str(error)[:200]}") from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{path}: expected finite weights, but {name} holds NaN or infinity")
        # whole numbers are indices, which follow from the network's build
        if not tensor.is_floating_point() and not torch.equal(tensor, wanted[name].cpu()):
            raise UserError(f"{path}: these weights are of another network: {name} differs")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[name])


def _refuse_other(wanted: dict[str, Tensor], stored: Any, path: Path) -> None:
    """Compare names, shapes and types before a single number is read."""
    there = set(stored.keys())
    differing = sorted(wanted.keys() ^ there)
    differing += [n for n in wanted if n in there and not _alike(wanted[n], stored.get_slice(n))]
    if differing:
        raise UserError(
            f"{path}: these weights are of another network: {differing[0][:200]!r} does not match "
            f"({len(differing)} differ)"
        )


def _alike(tensor: Tensor, stored: Any) -> bool:
    kind = _KINDS.get(stored.get_dtype())
    return list(tensor.shape) == stored.get_shape() and tensor.dtype == kind
