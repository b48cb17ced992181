"""From a policy to a graph of tensor operations whose batch may have any size."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.export import Dim, ExportedProgram

from rl_attention.exporting.policy import DeterministicPolicy
from rl_attention.extractors.base import TokenExtractor


def capture(policy: DeterministicPolicy, given: Sequence[Tensor]) -> ExportedProgram:
    """Follow a policy once.

    Args:
        policy: The policy; graphs take the place of its extractors.
        given: A batch of what it takes, of more than one row.
    """
    validates = Distribution._validate_args
    # what a distribution checks is data, and a graph cannot ask for data
    Distribution.set_default_validate_args(False)
    try:
        with torch.no_grad():
            _replace_extractors(policy, given)
            # the arguments are one, `*given`
            shapes = (tuple(_any_batch(part) for part in given),)
            return torch.export.export(policy, tuple(given), dynamic_shapes=shapes, strict=False)
    finally:
        Distribution.set_default_validate_args(validates)


def _replace_extractors(policy: DeterministicPolicy, given: Sequence[Tensor]) -> None:
    """Put graphs in the place of those of our extractors that take part.

    torch follows them by their code (`strict`). It follows the rest by running it, since the code
    of Stable-Baselines3 asks arrays; run, the `len` of a tensor would fix the size of the batch.
    """
    graphs = {
        extractor: torch.export.export(
            extractor, (seen,), dynamic_shapes=(_any_batch(seen),), strict=True
        ).module()
        for extractor, seen in _what_extractors_see(policy, given).items()
    }
    for owner in list(policy.modules()):
        for name, module in list(owner._modules.items()):  # one may have several names
            if module in graphs:
                setattr(owner, name, graphs[module])


def _what_extractors_see(
    policy: DeterministicPolicy, given: Sequence[Tensor]
) -> dict[nn.Module, Any]:
    seen: dict[nn.Module, Any] = {}

    def look(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        seen[module] = arguments[0]

    extractors = [module for module in policy.modules() if isinstance(module, TokenExtractor)]
    handles = [extractor.register_forward_pre_hook(look) for extractor in extractors]
    policy(*given)
    for handle in handles:
        handle.remove()
    return seen


def _any_batch(given: Mapping[str, Tensor] | Tensor) -> Any:
    """Say that the first axis of a tensor, or of each of several, has any size."""
    batch = {0: Dim("batch")}
    return dict.fromkeys(given, batch) if isinstance(given, Mapping) else batch
