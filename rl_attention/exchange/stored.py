"""The file of an extractor: safetensors, with one line of JSON in its header."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from rl_attention.errors import UserError
from rl_attention.exchange.recipe import Recipe, decode, encode
from rl_attention.files import check_tensor_file, write_atomically

MAX_BYTES = 256 << 20

_KEY = "rl_attention.extractor"  # one key alone: safetensors writes several in any order
_KINDS = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}


@dataclass(frozen=True)
class Header:
    """What a file says before a number is read.

    Attributes:
        recipe: How the extractor was built.
        tensors: From a name to the type and the shape.
    """

    recipe: Recipe
    tensors: Mapping[str, tuple[str, list[int]]]


def kind_of(tensor: Tensor) -> tuple[str, list[int]]:
    """Give the type and the shape of a tensor as a file says them."""
    return _KINDS.get(tensor.dtype, str(tensor.dtype)), list(tensor.shape)


def write_stored(recipe: Recipe, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write an extractor, whole or not at all; equal ones give equal files.

    Args:
        recipe: How it was built.
        tensors: Its weights.
        path: The file.

    Raises:
        UserError: A weight is not finite, or there are too many.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(
                f"{path}: expected finite weights, but {name} holds NaN or infinity: the training "
                "has failed, save an earlier state"
            )
    # copies: tensors that share memory are refused
    alone = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    content = save(alone, metadata={_KEY: encode(recipe)})
    if len(content) > MAX_BYTES:
        raise UserError(f"{path}: expected at most {MAX_BYTES:,} bytes, got {len(content):,}")
    write_atomically(path, lambda file: file.write(content))


def read_header(path: Path) -> Header:
    """Read what a file says of itself.

    Args:
        path: What `write_stored` wrote, or anything else.

    Raises:
        UserError: It is a link, too large, damaged, or of another kind.
    """
    with _open(path) as file:
        text = (file.metadata() or {}).get(_KEY)
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        tensors = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    if text is None:
        raise UserError(
            f"{path}: expected an extractor that save_extractor wrote, got other tensors: save "
            "the extractor of the trained model first"
        )
    return Header(decode(text, path), tensors)


def read_tensors(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read the weights, after their names and sizes were found right.

    Args:
        path: The file.
        wanted: Tensors of the same names, shapes and types.

    Raises:
        UserError: The file has changed meanwhile, or holds numbers that are not finite.
    """
    with _open(path) as file:
        tensors = {name: file.get_tensor(name).clone() for name in wanted}
    for name, tensor in tensors.items():
        if kind_of(tensor) != kind_of(wanted[name]):
            raise UserError(f"{path}: expected a file that nobody writes to; load it again")
        if not torch.isfinite(tensor).all():
            raise UserError(f"{path}: expected finite weights, but {name} holds NaN or infinity")
    return tensors


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    check_tensor_file(path, limit=MAX_BYTES)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except Exception as error:  # no list says what damaged bytes make the library raise
        reason = " ".join(repr(str(error))[1:-1].split())[:200]
        raise UserError(f"{path}: expected saved tensors, but: {reason}") from None
