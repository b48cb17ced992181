"""One ONNX file of a whole policy, compared with the policy before it is written."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.policies import BasePolicy

from rl_attention.doctor.findings import one_line
from rl_attention.errors import UserError
from rl_attention.exporting.capture import capture
from rl_attention.exporting.policy import DeterministicPolicy, check_policy, twin_of
from rl_attention.exporting.trial import compare, draw_inputs
from rl_attention.files import write_atomically

EXAMPLES = 4
"""Rows of the batch that is followed; the file takes any number."""

_INSTALL = "install it with: pip install 'rl-attention[onnx]'"


def export_onnx(model: Any, path: str | os.PathLike[str]) -> Path:
    """Write the policy of a model to one ONNX file, which takes raw observations and acts.

    Inputs are the keys of a `Dict` space, or `observation`, in the type of the space (images with
    their channels first, as in `model.observation_space`), and for MaskablePPO `action_masks`. The
    output `actions` is what `model.predict(..., deterministic=True)` gives; actor-critics have
    `values` too. The first axis of each is the batch, of any size. With `VecNormalize`, the file
    takes normalised observations, as the policy does.

    Before it is written, the file is run in onnxruntime beside the policy, on observations drawn
    from the space. The model stays as it is.

    Args:
        model: Any model of Stable-Baselines3 or sb3-contrib whose policy keeps no state.
        path: Where the file goes; missing folders are made.

    Returns:
        The path.

    Raises:
        UserError: The model cannot be exported, a package is missing, or the file would act
            otherwise than the policy.

    Warns:
        UserWarning: The model has a `VecNormalize`, or there is no onnxruntime to compare with.
    """
    path, name = Path(path), type(model).__name__
    policy = getattr(model, "policy", None)
    if not isinstance(policy, BasePolicy):
        raise UserError(f"export_onnx: expected a model of Stable-Baselines3, got {name}")
    check_policy(policy, name)
    for package in ("onnx", "onnxscript"):
        _require(package)
    _warn_of_normalization(model)
    twin, exported = twin_of(policy), DeterministicPolicy(twin_of(policy))
    given = [torch.as_tensor(part) for part in draw_inputs(twin, EXAMPLES)]
    with _quiet():
        try:
            file = _to_onnx(exported, given)
        except Exception as error:  # foreign code raises anything
            raise UserError(
                "export_onnx: expected a network that decides nothing by its data, but torch "
                f"cannot export {name} with {_extractor_of(policy)}: {one_line(error)}"
            ) from error
    _compare(file, exported, twin)
    write_atomically(path, lambda out: out.write(file))
    return path


def _require(package: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise UserError(
            f"export_onnx: expected the package {package}, but it cannot be imported ({error}); "
            f"{_INSTALL}"
        ) from None


def _warn_of_normalization(model: Any) -> None:
    normalized = model.get_vec_normalize_env()
    if normalized is not None and normalized.norm_obs:
        warnings.warn(
            "export_onnx: the environment has a VecNormalize, so the file takes observations that "
            "are normalised: call its normalize_obs on them first",
            stacklevel=3,
        )


def _extractor_of(policy: BasePolicy) -> str:
    found = getattr(policy, "features_extractor_class", None)
    return getattr(found, "__name__", "its extractor")


def _to_onnx(exported: DeterministicPolicy, given: list[torch.Tensor]) -> bytes:
    program = torch.onnx.export(capture(exported, given), dynamo=True, verbose=False)
    assert program is not None
    _name(program.model.graph, exported)
    model = program.model_proto
    _tidy(model)
    return bytes(model.SerializeToString())


def _name(graph: Any, exported: DeterministicPolicy) -> None:
    """Name inputs and outputs; what is inside gives way where it has a name of theirs."""
    taken = {*exported.inputs, *exported.outputs}
    inside = [value for node in graph for value in node.outputs]
    for value in (*inside, *graph.initializers.values()):
        while value.name in taken:
            value.name = f"{value.name}_"
    for values, names in ((graph.inputs, exported.inputs), (graph.outputs, exported.outputs)):
        for value, name in zip(values, names, strict=True):
            value.name = name


def _tidy(model: Any) -> None:
    """Name the axis of the batch, and leave out where on this machine the code is."""
    graph = model.graph
    parts = (*graph.input, *graph.output, *graph.node, *graph.initializer, graph, model)
    for part in parts:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")  # shapes in between, which a runtime finds itself
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def _compare(file: bytes, exported: DeterministicPolicy, twin: BasePolicy) -> None:
    try:
        compare(file, exported, twin)
    except ImportError:
        warnings.warn(
            f"export_onnx: not compared with the policy, as onnxruntime is missing; {_INSTALL}",
            stacklevel=4,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter says of its own code, and which random numbers it draws."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        log.setLevel(level)
