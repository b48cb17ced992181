"""Tokens: what every arm eats."""

from typing import NamedTuple

import torch
from torch import Tensor

from rl_attention.errors import UserError
from rl_attention.nn import Packed, Words


class Tokenized(NamedTuple):
    """One batch of observations as tokens.

    Attributes:
        entities: The set: entities, cells, patches or past frames; the real ones alone.
        places: Where the tokens of the set are, packed, `T C`; None where they have no place.
        words: The words of the distinct missions of the batch; None where the space has none.
        summary: Everything else (direction, what is carried, walls), `B D`; None where there is
            nothing else.
    """

    entities: Packed
    places: Tensor | None
    words: Words | None
    summary: Tensor | None


def read_mask(flags: Tensor, *, name: str) -> Tensor:
    """Turn the flags of an observation into a mask, `B N`.

    A flag comes as a float from Stable-Baselines3, and with a spare axis out of some buffers.

    Args:
        flags: `B N` or `B ... N`, 1 for real tokens and 0 for padding.
        name: Key of the observation, for the message.

    Raises:
        UserError: A flag is neither 0 nor 1.
    """
    flags = flags.flatten(start_dim=1)
    mask = flags > 0.5
    if unlike(mask.to(flags.dtype), flags):
        raise UserError(
            f"observation key {name!r} must hold 0 and 1 alone, got other numbers; emit flags, and "
            "keep VecNormalize away from them (leave the key out of norm_obs_keys)"
        )
    return mask


def unlike(first: Tensor, second: Tensor) -> bool:
    """Tell whether two tensors differ; a compiled network does not ask, as it would split it.

    Args:
        first: A tensor.
        second: Another of the same shape.
    """
    return not torch.compiler.is_compiling() and not torch.equal(first, second)
