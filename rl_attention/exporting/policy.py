"""What is exported of a policy: from raw observations to the actions that `predict` gives."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from rl_attention.errors import UserError

WHOLE = "observation"
"""What the input is called where the space is no `Dict`."""
ACTIONS, VALUES, MASKS = "actions", "values", "action_masks"

_HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)
_KNOWN = ("observation", "obs", "deterministic", MASKS)


def twin_of(policy: BasePolicy) -> BasePolicy:
    """Copy a policy on the CPU, to evaluate, without hooks and optimizers.

    Args:
        policy: The policy, which stays as it is.
    """
    memo: dict[int, Any] = {}
    for module in policy.modules():
        memo |= {id(hooks): type(hooks)() for name in _HOOKS if (hooks := vars(module)[name])}
        for part in vars(module).values():
            if isinstance(part, torch.optim.Optimizer):
                memo[id(part)] = None
            elif isinstance(part, Distribution):  # holds tensors that only a shallow copy can take
                memo[id(part)] = copy.copy(part)
    twin: BasePolicy = copy.deepcopy(policy, memo).cpu()
    twin.set_training_mode(False)
    return twin.eval()


def check_policy(policy: BasePolicy, name: str) -> None:
    """Refuse a policy that needs more than an observation, or whose keys the outputs are called.

    Args:
        policy: The policy.
        name: What the model is called, for the message.

    Raises:
        UserError: It is one.
    """
    needed = inspect.signature(policy._predict).parameters.values()
    states = [p.name for p in needed if p.name not in _KNOWN and p.default is p.empty]
    if states:
        raise UserError(
            f"export_onnx: expected a policy that acts on an observation alone, got {name}, which "
            f"needs {', '.join(states)} too: train one that keeps no state, such as PPO"
        )
    taken = [key for key in keys_of(policy) if key in (ACTIONS, VALUES, MASKS)]
    if taken:
        raise UserError(
            f"export_onnx: the file has a name {taken[0]!r} of its own, got an observation key of "
            "that name: rename the key"
        )


def keys_of(policy: BasePolicy) -> list[str]:
    """Name the parts of an observation, in the order of the space."""
    space = policy.observation_space
    return list(space.spaces) if isinstance(space, spaces.Dict) else [WHOLE]


def takes_masks(policy: BasePolicy) -> bool:
    """Tell whether a policy is told which actions may be taken."""
    return MASKS in inspect.signature(policy._predict).parameters


class DeterministicPolicy(nn.Module):
    """A policy as one function of tensors.

    Args:
        policy: A twin of the policy.
    """

    low: Tensor
    high: Tensor

    def __init__(self, policy: BasePolicy) -> None:
        super().__init__()
        self.policy = policy
        self.keys = keys_of(policy)
        self.inputs = [*self.keys, MASKS] if takes_masks(policy) else list(self.keys)
        self.outputs = [ACTIONS, VALUES] if hasattr(policy, "predict_values") else [ACTIONS]
        actions = policy.action_space
        self.shape: tuple[int, ...] = actions.shape or ()
        self.bounded = isinstance(actions, spaces.Box)
        if isinstance(actions, spaces.Box):
            self.register_buffer("low", torch.as_tensor(actions.low))
            self.register_buffer("high", torch.as_tensor(actions.high))

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Map the parts of raw observations, `B ...` each, to actions and, if there are, values.

        Args:
            *given: In the order of `inputs`.

        Returns:
            In the order of `outputs`: actions, `B ...`, as `predict` gives them; values, `B`.
        """
        seen, masks = self.sort(given)
        if VALUES in self.outputs:  # in one pass, where the extractor is shared
            actions, values, _ = self.policy(seen, deterministic=True, **masks)
            return self._placed(actions), values.flatten()
        return (self._placed(self.policy._predict(seen, deterministic=True, **masks)),)

    def sort(self, given: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
        """Tell the observation from what else is given.

        Args:
            given: In the order of `inputs`, tensors or arrays.

        Returns:
            The observation, and `action_masks` by name where there are.
        """
        named = dict(zip(self.inputs, given, strict=True))
        masks = {MASKS: named.pop(MASKS)} if MASKS in named else {}
        whole = isinstance(self.policy.observation_space, spaces.Dict)
        return (named if whole else given[0]), masks

    def _placed(self, actions: Tensor) -> Tensor:
        """Put actions into their shape and bounds, as `predict` does with arrays."""
        actions = actions.reshape(-1, *self.shape)
        if not self.bounded:
            return actions
        if self.policy.squash_output:
            return self.low + 0.5 * (actions + 1.0) * (self.high - self.low)
        return actions.clamp(self.low, self.high)
