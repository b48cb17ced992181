"""Where a model keeps the extractor whose attention decides its actions."""

from typing import Any

from torch import nn

from rl_attention.errors import UserError
from rl_attention.nn.probe import Probe

# the one that acts comes first; critics and target networks are never looked at
_PLACES = (
    "policy.pi_features_extractor",
    "policy.actor.features_extractor",
    "policy.q_net.features_extractor",
    "policy.quantile_net.features_extractor",
    "policy.features_extractor",
)


def find_extractor(model: Any) -> tuple[str, nn.Module]:
    """Find the features extractor that acts and that holds a `Probe`.

    Works by name on every Stable-Baselines3 model: with separate actor and critic extractors it is
    the actor's, for value-based algorithms the online network's, never a target network's.

    Args:
        model: A Stable-Baselines3 algorithm.

    Returns:
        The dotted path from the model, such as `policy.actor.features_extractor`, and the module.

    Raises:
        UserError: If no such extractor holds a `Probe`.
    """
    looked = []
    for path in _PLACES:
        found = _follow(model, path)
        if found is None:
            looked.append(f"{path} (absent)")
        elif not any(isinstance(module, Probe) for module in found.modules()):
            looked.append(f"{path} ({type(found).__name__} without a Probe)")
        else:
            return path, found
    raise UserError(
        f"no attention to record in {type(model).__name__}: looked at {', '.join(looked)}; "
        "train with an extractor that passes its weights through a Probe"
    )


def acting_extractor(model: Any) -> nn.Module | None:
    """Return the features extractor that acts, whether it attends or not; None if there is none.

    Args:
        model: A Stable-Baselines3 algorithm.
    """
    found = (_follow(model, path) for path in _PLACES)
    return next((module for module in found if module is not None), None)


def _follow(start: Any, path: str) -> nn.Module | None:
    found = start
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, nn.Module) else None
