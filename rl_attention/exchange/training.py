"""What the training of a model has to know about weights that came from elsewhere."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from rl_attention.errors import UserError
from rl_attention.exchange.places import find_optimizers


def forget_moments(model: Any, weights: Iterable[Tensor]) -> None:
    """Make optimizers begin anew for some weights: what they remember is of other ones.

    Args:
        model: A model, a policy, or an extractor.
        weights: The weights.
    """
    known = list(weights)
    for optimizer in find_optimizers(model):
        for weight in known:
            optimizer.state.pop(weight, None)


def check_freezable(model: Any) -> None:
    """Refuse an algorithm that takes the gradient of every weight.

    Args:
        model: A model, a policy, or an extractor.

    Raises:
        UserError: It is TRPO.
    """
    if any(cls.__name__ == "TRPO" for cls in type(model).__mro__):
        raise UserError(
            "freeze: expected an algorithm that leaves frozen weights alone, got TRPO, which takes "
            "the gradient of each: leave it out, or train with PPO"
        )


def freeze(weights: Iterable[Tensor]) -> None:
    """Keep weights as they are.

    They stay in the optimizer's groups, whose size `load` of a saved model compares. Without a
    gradient no optimizer of torch moves a weight or decays it.

    Args:
        weights: The weights.
    """
    for weight in weights:
        weight.requires_grad_(False)
        weight.grad = None
