"""Near-equal parameter counts for every arm."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rl_attention.errors import UserError
from rl_attention.extractors.attention import AttentionExtractor, UniformExtractor
from rl_attention.extractors.cnn import CNNExtractor
from rl_attention.extractors.mlp import MLPExtractor
from rl_attention.tokenizers import TokenOptions

EXTRACTORS: dict[str, type[BaseFeaturesExtractor]] = {
    "attention": AttentionExtractor,
    "uniform": UniformExtractor,
    "mlp": MLPExtractor,
    "cnn": CNNExtractor,
}
"""From the name of an arm to its extractor."""

SIZE_KNOBS = {"uniform": "feedforward", "mlp": "hidden", "cnn": "channels"}
"""From a control arm to the size that is solved for."""

SHARED_OPTIONS = ("features_dim", *(field.name for field in fields(TokenOptions)))
"""Options that every arm takes over from the reference."""

TOLERANCE = 0.05
"""Parameter counts agree within this share of the reference's."""


def count_parameters(module: nn.Module) -> int:
    """Count the trainable numbers of a module, shared ones once."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def match_parameters(
    arm: str,
    observation_space: spaces.Space,  # type: ignore[type-arg]
    reference: Mapping[str, Any],
    *,
    like: tuple[spaces.Space[Any], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Size a control arm so that it has as many parameters as attention.

    Args:
        arm: A key of `EXTRACTORS`.
        observation_space: The space that the arm is built for.
        reference: Options of the `AttentionExtractor` on that space.
        like: Space and options of the attention whose size is matched; by default those above.

    Returns:
        Options for the extractor of `arm`: those of the reference that it shares, and its size.

    Raises:
        UserError: No size comes within 5 % of the reference.
    """
    if arm == "attention":
        return dict(reference)
    shared = set(SHARED_OPTIONS)
    if arm == "uniform":
        shared |= set(reference) - {"feedforward", "score", "weights", "top_k"}
    options = {key: value for key, value in reference.items() if key in shared}
    # building modules draws from torch's generator; what was drawn is given back
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is built here is not what is trained
        space, wanted = like or (observation_space, reference)
        target = count_parameters(AttentionExtractor(space, **wanted))

        def count(size: int) -> int:
            extractor = EXTRACTORS[arm](observation_space, **options, **{SIZE_KNOBS[arm]: size})
            return count_parameters(extractor)

        size = _closest(count, target)
        got = count(size)
    if abs(got - target) > TOLERANCE * target:
        raise UserError(
            f"the {arm} arm cannot match the {target} parameters of attention within "
            f"{TOLERANCE:.0%}: {SIZE_KNOBS[arm]}={size} gives {got}; change extractor.width"
        )
    return {**options, SIZE_KNOBS[arm]: size}


def _closest(count: Callable[[int], int], target: int) -> int:
    """Find the size, from 1 up, whose count is closest to the target; counts grow with the size."""
    high = 2
    # a size that changes nothing (no block to widen) would be doubled for ever
    while count(high) < target and count(2 * high) > count(high):
        high *= 2
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    return min((low, high), key=lambda size: abs(count(size) - target))
