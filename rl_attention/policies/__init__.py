"""Policies that attend, for whoever names a policy by its path: RL Zoo's YAML, any SB3 code.

Saved models name these classes as `rl_attention.policies.<class>`, whatever file holds them: that
path never changes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rl_attention.errors import UserError
from rl_attention.policies.core import (
    AttentionActorCriticPolicy,
    AttentionDQNPolicy,
    AttentionSACPolicy,
    AttentionTD3Policy,
)
from rl_attention.policies.value_head import scale_value_head

if TYPE_CHECKING:
    from rl_attention.policies.contrib import (
        AttentionARSPolicy,
        AttentionCrossQPolicy,
        AttentionMaskableActorCriticPolicy,
        AttentionQRDQNPolicy,
        AttentionRecurrentActorCriticPolicy,
        AttentionTQCPolicy,
    )

__all__ = [
    "AttentionARSPolicy",
    "AttentionActorCriticPolicy",
    "AttentionCrossQPolicy",
    "AttentionDQNPolicy",
    "AttentionMaskableActorCriticPolicy",
    "AttentionQRDQNPolicy",
    "AttentionRecurrentActorCriticPolicy",
    "AttentionSACPolicy",
    "AttentionTD3Policy",
    "AttentionTQCPolicy",
    "scale_value_head",
]

_OF_CONTRIB = (
    "AttentionARSPolicy",
    "AttentionCrossQPolicy",
    "AttentionMaskableActorCriticPolicy",
    "AttentionQRDQNPolicy",
    "AttentionRecurrentActorCriticPolicy",
    "AttentionTQCPolicy",
)


def __getattr__(name: str) -> object:
    """Import the policies of sb3-contrib's algorithms when one is first asked for.

    Raises:
        UserError: sb3-contrib cannot be imported.
    """
    if name not in _OF_CONTRIB:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import_module("sb3_contrib")
    except ImportError as error:
        raise UserError(
            f"{name}: expected the package sb3-contrib, but it cannot be imported ({error}); "
            "install it with: pip install 'rl-attention[contrib]'"
        ) from None
    return getattr(import_module("rl_attention.policies.contrib"), name)
