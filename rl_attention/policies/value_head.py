"""Where the critic starts."""

import math
from typing import Any

import torch
from stable_baselines3.common.policies import BasePolicy

from rl_attention.errors import UserError
from rl_attention.policies.base import AttentionPolicy


def scale_value_head(policy: BasePolicy, gain: float) -> None:
    """Make an untrained critic say nearly the same of every state.

    Stable-Baselines3 starts the last layer of the critic with a gain of 1, so that its first values
    differ from state to state by far more than rewards that are rare. Advantages, scaled to a
    deviation of 1, then are this noise, and it moves the policy away from chance before the first
    reward is seen. With a gain of 0.01, which the head of the policy has anyway, the first rewards
    stand out.

    Args:
        policy: A policy with a value head, such as `PPO(...).policy`, before training.
        gain: What the weights of its last layer are multiplied by.

    Raises:
        UserError: The policy has no value head, or the gain is no finite number from 0 on.
    """
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 <= gain < math.inf:
        raise UserError(f"value_gain: expected a finite number from 0 on, got {gain!r}")
    head = getattr(policy, "value_net", None)
    if not isinstance(head, torch.nn.Linear):
        raise UserError(
            f"scale_value_head: expected a policy with a value head, got {type(policy).__name__}; "
            "PPO, A2C, TRPO and their kin have one"
        )
    with torch.no_grad():
        head.weight.mul_(gain)


class AttentionValuePolicy(AttentionPolicy):
    """What policies with a value head share: an option for where the critic starts.

    Args:
        *arguments: See `AttentionPolicy`.
        value_gain: See `scale_value_head`; 1 is Stable-Baselines3's start.
        **options: See `AttentionPolicy`.

    Raises:
        UserError: See `AttentionPolicy` and `scale_value_head`.
    """

    def __init__(self, *arguments: Any, value_gain: float = 1.0, **options: Any) -> None:
        super().__init__(*arguments, **options)
        scale_value_head(self, value_gain)
