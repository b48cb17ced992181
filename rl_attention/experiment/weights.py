"""A network's weights in a file that holds numbers and nothing else."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.files import write_atomically


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


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy weights from a file into a network of the same build.

    Args:
        module: The network.
        path: What `save_weights` wrote.

    Raises:
        UserError: The file cannot be read, or its tensors are not the network's.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: expected saved weights, but: {error}") from None
    wanted = named_tensors(module)
    differing = sorted(wanted.keys() ^ tensors.keys())
    differing += [n for n in wanted if n in tensors and wanted[n].shape != tensors[n].shape]
    if differing:
        raise UserError(
            f"{path}: these weights are of another network: {differing[0]} does not match "
            f"({len(differing)} differ)"
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[name])
