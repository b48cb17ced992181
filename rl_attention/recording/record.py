"""One look at what a model attends to."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rl_attention.errors import UserError
from rl_attention.recording.locate import find_extractor
from rl_attention.recording.maps import AttentionMap
from rl_attention.recording.recorder import Recorder


def record(
    model: Any, observations: Mapping[str, NDArray[Any]] | NDArray[Any]
) -> dict[str, AttentionMap]:
    """Return the attention maps of one deterministic forward pass of the policy.

    No gradient is kept, no random number drawn, and every module is left in the mode (training or
    evaluation) it was in.

    Args:
        model: Any Stable-Baselines3 algorithm whose extractor holds a `Probe`.
        observations: A batch of observations as the policy takes them: an array, or a mapping of
            arrays; the first axis is the batch. One observation is a batch of one.

    Returns:
        The maps by probe name, in the order in which the probes fired.

    Raises:
        UserError: If no extractor holds a `Probe`, a key is missing, or shapes do not fit.
    """
    _, extractor = find_extractor(model)
    batch = _checked_batch(observations, model.observation_space)
    with _same_modes(model.policy), _uncompiled(), Recorder(extractor) as recorder:
        model.policy.predict(batch, deterministic=True)
    return recorder.maps


def _checked_batch(observations: Any, space: Any) -> Any:
    """Copy the batch, so that nobody can change the caller's, and check it against the space."""
    if not isinstance(observations, Mapping):
        return _checked_array("observations", observations, space)
    missing = sorted(set(getattr(space, "spaces", {})) - set(observations))
    if missing:
        raise UserError(f"observations lack {missing}, which the policy needs; give every key")
    strange = sorted(set(observations) - set(getattr(space, "spaces", {})))
    if strange:
        raise UserError(f"observations hold {strange}, which the policy does not know; drop them")
    return {key: _checked_array(key, observations[key], space[key]) for key in observations}


def _checked_array(key: str, value: Any, space: Any) -> NDArray[Any]:
    array = np.array(value)
    shape = tuple(space.shape or ())
    # an image may come channels last where the policy has them first: the policy turns it
    same = array.shape[1:] == shape or (
        len(shape) == 3 and sorted(array.shape[1:]) == sorted(shape)
    )
    if not same or not len(array):
        raise UserError(
            f"'{key}' must be a batch of shape (B, {', '.join(map(str, shape))}) with B > 0, "
            f"got {array.shape}"
        )
    return array


@contextmanager
def _same_modes(module: nn.Module) -> Iterator[None]:
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _uncompiled() -> AbstractContextManager[Any]:
    """Run compiled modules eagerly: a compiled one does not call hooks that came after it."""
    if "torch._dynamo" not in sys.modules:  # nothing was ever compiled; the import takes seconds
        return nullcontext()
    eager: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return eager
