"""Where a model keeps its extractors, and who trains them."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from rl_attention.errors import UserError
from rl_attention.extractors import EXTRACTORS
from rl_attention.extractors.base import TokenExtractor


def find_extractors(model: Any) -> dict[str, TokenExtractor]:
    """Find every extractor of a model: of the actor, of the critics, of target networks.

    The one that acts comes first: every policy of Stable-Baselines3 and sb3-contrib makes it first.

    Args:
        model: A model, a policy, or an extractor.

    Returns:
        From the path to the extractor; one that is shared stands there once.

    Raises:
        UserError: There is none.
    """
    root, prefix = _network(model)
    found = {
        f"{prefix}.{path}".strip(".") or "extractor": module
        for path, module in root.named_modules()
        if isinstance(module, TokenExtractor)
    }
    if not found:
        classes = ", ".join(extractor.__name__ for extractor in EXTRACTORS.values())
        raise UserError(
            f"expected a model whose features come from one of {classes}, got a "
            f"{type(model).__name__} without: train with one of them as features_extractor_class"
        )
    return found


def named_weights(extractor: nn.Module) -> dict[str, Tensor]:
    """List what an extractor has learned, each tensor once; the rest follows from its options.

    Args:
        extractor: An extractor.
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in extractor.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())


def find_optimizers(model: Any) -> Iterator[Optimizer]:
    """List the optimizers of a model's networks.

    Args:
        model: A model, a policy, or an extractor.
    """
    root, _ = _network(model)
    for module in root.modules():
        yield from (value for value in vars(module).values() if isinstance(value, Optimizer))


def _network(model: Any) -> tuple[nn.Module, str]:
    policy = getattr(model, "policy", None)
    if isinstance(policy, nn.Module):
        return policy, "policy"
    if isinstance(model, nn.Module):
        return model, ""
    raise UserError(
        "expected a model of Stable-Baselines3, its policy or its extractor, got "
        f"{type(model).__name__}: give the model itself"
    )
