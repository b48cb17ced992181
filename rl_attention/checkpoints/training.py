"""A training in one checkpoint: the model, its replay buffer, and what was counted beside it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from rl_attention.checkpoints.manifest import CheckpointError
from rl_attention.checkpoints.model_state import capture, machine, restore, restore_policy
from rl_attention.checkpoints.reading import Checkpoint
from rl_attention.checkpoints.replay_state import check_buffer, restore_buffer, write_buffer
from rl_attention.checkpoints.store import CheckpointStore
from rl_attention.checkpoints.tensors import Tensors, pack, unpack
from rl_attention.files import check_tensor_file, read_arrays, read_json

_MAX_BYTES = 64 << 30

STATE, TENSORS, REPLAY = "state.json", "tensors.safetensors", "replay.npz"


def save_training(
    store: CheckpointStore, model: BaseAlgorithm, parts: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Commit a checkpoint of a training at its present step.

    Args:
        store: Gets it.
        model: The model.
        parts: What was counted beside it, by name.

    Returns:
        The model's state as it was saved.

    Raises:
        CheckpointError: It cannot be written.
        UserError: The replay buffer cannot be kept.
    """
    state, tensors = capture(model), Tensors()
    plain = pack({"model": state, "parts": dict(parts)}, tensors)
    files: dict[str, Callable[[BinaryIO], object]] = {
        TENSORS: lambda file: file.write(_serialize(tensors)),
        STATE: lambda file: file.write(json.dumps(plain, allow_nan=False).encode()),
    }
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        check_buffer(buffer)
        files[REPLAY] = lambda file: write_buffer(buffer, file)
    notes = {"machine": machine(model)}
    store.commit(model.num_timesteps, files, notes=notes, score=_score(state))
    return state


def load_training(checkpoint: Checkpoint, model: BaseAlgorithm) -> dict[str, Any]:
    """Put a checkpoint into a model that was built as the saved one was.

    Args:
        checkpoint: The checkpoint.
        model: The model.

    Returns:
        What was saved: `model`, its state, and `parts`, what was counted beside it.

    Raises:
        CheckpointError: The checkpoint is of another model.
        UserError: It cannot be read, or the replay buffer cannot be kept.
    """
    state = read_training(checkpoint)
    with _named_after(checkpoint):
        restore(model, state["model"])
        buffer = getattr(model, "replay_buffer", None)
        if buffer is not None:
            check_buffer(buffer)
            path = checkpoint.file(REPLAY)
            # it is not compressed, so its arrays are not larger than the file
            restore_buffer(buffer, read_arrays(path, limit=path.stat().st_size))
    return state


def load_acting(checkpoint: Checkpoint, model: BaseAlgorithm) -> None:
    """Put into a model what it needs to act: its networks and the running means.

    Args:
        checkpoint: The checkpoint.
        model: A model whose policy was built as the saved one was.

    Raises:
        CheckpointError: The checkpoint is of another model, or its weights are not finite.
        UserError: It cannot be read.
    """
    state = read_training(checkpoint)
    with _named_after(checkpoint):
        restore_policy(model, state["model"])


def read_training(checkpoint: Checkpoint) -> dict[str, Any]:
    """Read a checkpoint without a model.

    Args:
        checkpoint: The checkpoint.

    Returns:
        `model`, its state, and `parts`, what was counted beside it.

    Raises:
        CheckpointError: Its parts do not belong together.
        UserError: It cannot be read.
    """
    tensors = _read_tensors(checkpoint.file(TENSORS))
    with _named_after(checkpoint):
        state = unpack(read_json(checkpoint.file(STATE)), tensors)
        if not isinstance(state, dict) or not all(
            isinstance(state.get(key), dict) for key in ("model", "parts")
        ):
            raise CheckpointError("expected the state of a model and of its parts")
    return state


@contextmanager
def _named_after(checkpoint: Checkpoint) -> Iterator[None]:
    """Say of which checkpoint something is wrong."""
    try:
        yield
    except CheckpointError as error:
        text = str(error)
        named = text if text.startswith(str(checkpoint.path)) else f"{checkpoint.path}: {text}"
        raise CheckpointError(named) from None


def _read_tensors(path: Path) -> dict[str, Tensor]:
    check_tensor_file(path, limit=_MAX_BYTES)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: expected saved tensors, but: {error}") from None


def _serialize(tensors: Tensors) -> bytes:
    return save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()})


def _score(state: dict[str, Any]) -> float | None:
    """Success rate of the last episodes; where none told, their mean return."""
    told = state["successes"] or [episode["r"] for episode in state["episodes"]]
    return sum(told) / len(told) if told else None
