"""Attention that is asked to spread out, or to make up its mind."""

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from rl_attention.errors import UserError
from rl_attention.nn.entropy import entropy_bonus_gradient
from rl_attention.nn.probe import Probe


class AttentionEntropyCallback(BaseCallback):
    """Add `-ent_coef` times the mean entropy of attention to the loss of any algorithm.

    Above 0 it is a bonus, as Stable-Baselines3's `ent_coef` is for actions: attention spreads out.
    Below 0 it is a penalty: attention gets sharper. Each map of the network has a mean of its own,
    in nats. In a published test on Breakout a penalty of 0.005 sharpened maps at little cost, 0.001
    had no effect, and 0.01 or more almost always stopped learning (github.com/dniku/rl-attention,
    write-up of 2020).

    The loss is left as it is; its gradient at the weights gets the term added, through the `Probe`
    that every map passes. So the forward pass, the maps and the random state do not change, and
    target networks, which learn nothing, are never touched. Passes that build a graph of the
    gradient (TRPO's second derivative) are left alone.

    Args:
        ent_coef: The weight, or a schedule: a function of the training that is left, 1 to 0.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Raises:
        UserError: When training begins, if no network of the policy holds a `Probe`.
    """

    def __init__(self, ent_coef: float | Callable[[float], float], *, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.ent_coef = ent_coef
        self._handles: list[RemovableHandle] = []

    @property
    def value(self) -> float:
        """The weight at this moment of training."""
        if callable(self.ent_coef):
            return float(self.ent_coef(self.model._current_progress_remaining))
        return float(self.ent_coef)

    def _on_training_start(self) -> None:
        self._let_go()
        probes = find_learning_probes(self.model.policy)
        if not probes:
            raise UserError(
                f"attention entropy: {type(self.model).__name__} has no attention; use "
                "AttentionExtractor, or leave the callback out"
            )
        self._handles = [probe.register_forward_hook(self._listen) for probe in probes]

    def _on_rollout_start(self) -> None:
        self.logger.record("attention/ent_coef", self.value)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _listen(self, probe: nn.Module, inputs: tuple[Any, ...], weights: Tensor) -> None:
        coef = self.value
        if coef == 0 or not weights.requires_grad:
            return
        _, query_mask, key_mask = inputs
        bonus = coef * entropy_bonus_gradient(weights, query_mask, key_mask)

        def add(gradient: Tensor) -> Tensor:
            # where a graph of the gradient is built, the loss is not the one that is learned
            return gradient if torch.is_grad_enabled() else gradient - bonus

        weights.register_hook(add)  # type: ignore[no-untyped-call]


def find_learning_probes(policy: nn.Module) -> list[nn.Module]:
    """List the probes of every network of a policy but the target networks.

    Args:
        policy: A policy of Stable-Baselines3.
    """
    return [
        module
        for name, module in policy.named_modules()
        if isinstance(module, Probe) and not name.split(".")[0].endswith("_target")
    ]
