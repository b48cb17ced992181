"""Whether a file gives the actions that its policy gives."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy

from rl_attention.doctor.sampling import draw
from rl_attention.errors import UserError
from rl_attention.exporting.policy import VALUES, DeterministicPolicy, takes_masks

SIZES = (1, 3, 16)
"""Sizes of the batches that are compared."""

TOLERANCE = 1e-4
"""Numbers agree that are no further apart than this, in parts of the largest or of 1."""

Inputs = list[NDArray[Any]]

_READINGS: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda values: values,
    np.round,  # flags and ids that a Box of floats holds
    lambda values: values > 0,
)


def draw_inputs(policy: BasePolicy, n_rows: int) -> Inputs:
    """Draw a batch of what a policy takes, which it does not refuse.

    Args:
        policy: A twin of the policy.
        n_rows: How many observations.

    Raises:
        UserError: It refuses whatever is drawn.
    """
    rng = np.random.default_rng(n_rows)
    space = policy.observation_space
    parts = space.spaces if isinstance(space, spaces.Dict) else {"": space}
    drawn = {key: draw(part, rng, n_rows).astype(part.dtype) for key, part in parts.items()}
    masks = [_draw_masks(policy.action_space, rng, n_rows)] if takes_masks(policy) else []
    refused = ""
    for read in _READINGS:
        seen = {key: read(values).astype(values.dtype) for key, values in drawn.items()}
        try:
            whole = isinstance(space, spaces.Dict)
            policy.predict(seen if whole else seen[""], deterministic=True)
        except ValueError as error:
            refused = refused or str(error)
        else:
            return [*seen.values(), *masks]
    raise UserError(
        "export_onnx: expected a policy that takes observations drawn from its space, got one that "
        f"refuses them ({refused}); declare the bounds that observations keep"
    )


def _draw_masks(
    space: spaces.Space[Any], rng: np.random.Generator, n_rows: int
) -> NDArray[np.bool_]:
    """Draw masks that leave an action of each part."""
    if isinstance(space, spaces.Discrete):
        sizes = [int(space.n)]
    elif isinstance(space, spaces.MultiDiscrete):
        sizes = [int(n) for n in space.nvec.flatten()]
    else:
        sizes = [2] * spaces.flatdim(space)
    masks = [rng.random((n_rows, size)) < 0.5 for size in sizes]
    for mask in masks:
        mask[np.arange(n_rows), rng.integers(mask.shape[1], size=n_rows)] = True
    return np.concatenate(masks, axis=1)


def compare(file: bytes, exported: DeterministicPolicy, policy: BasePolicy) -> None:
    """Run a file beside the policy that it was made of.

    Args:
        file: The ONNX model.
        exported: What it was made of.
        policy: Another twin of the policy.

    Raises:
        ImportError: There is no onnxruntime.
        UserError: They do not agree.
    """
    onnxruntime = import_module("onnxruntime")

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for size in SIZES:
        given = draw_inputs(policy, size)
        found = session.run(exported.outputs, dict(zip(exported.inputs, given, strict=True)))
        seen, masks = exported.sort(given)
        wanted = [policy.predict(seen, deterministic=True, **masks)[0]]
        if VALUES in exported.outputs:
            wanted.append(_values(policy, seen))
        for name, got, want in zip(exported.outputs, found, wanted, strict=True):
            _check_alike(name, got, want, size)


def _values(policy: Any, seen: Any) -> NDArray[Any]:
    tensors, _ = policy.obs_to_tensor(seen)
    with torch.no_grad():
        values: NDArray[Any] = policy.predict_values(tensors).numpy().flatten()
    return values


def _check_alike(name: str, got: NDArray[Any], want: NDArray[Any], size: int) -> None:
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    same = got.shape == want.shape and np.allclose(
        got, want, rtol=0, atol=TOLERANCE * scale, equal_nan=True
    )
    if not same:
        raise UserError(
            f"export_onnx: expected the {name} of the policy for {size} observations, got others "
            "from onnxruntime: nothing is written; please report this"
        )
