"""Attention that is asked to spread out, or to make up its mind."""

import math
import weakref
from collections.abc import Callable
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor, nn

from rl_attention.errors import UserError
from rl_attention.nn.entropy import entropy_bonus_gradient
from rl_attention.nn.probe import Probe, read_call


class AttentionEntropyCallback(BaseCallback):
    """Add `-ent_coef` times the mean entropy of attention to the loss of any algorithm.

    Above 0 it is a bonus, as Stable-Baselines3's `ent_coef` is for actions: attention spreads out.
    Below 0 it is a penalty: attention gets sharper. Each map of the network has a mean of its own,
    in nats. In a published test on Breakout a penalty of 0.005 sharpened maps at little cost, 0.001
    had no effect, and 0.01 or more almost always stopped learning (github.com/dniku/rl-attention,
    write-up of 2020). Uniform weights have no entropy to change.

    The loss is left as it is; its gradient at the weights gets the term added, through the `Probe`
    that every map passes, and only during updates. So the forward pass, the maps and the random
    state do not change, and target networks, which learn nothing, are never touched.

    Args:
        ent_coef: The weight, or a schedule: a function of the training that is left, 1 to 0.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Raises:
        UserError: `ent_coef` is neither a finite number nor a function. When training begins: no
            network of the policy holds a `Probe`, it is compiled, or the algorithm (TRPO) does not
            descend the gradient of a loss.
    """

    def __init__(self, ent_coef: float | Callable[[float], float], *, verbose: int = 0) -> None:
        super().__init__(verbose)
        number = isinstance(ent_coef, int | float) and not isinstance(ent_coef, bool)
        if not callable(ent_coef) and not (number and math.isfinite(ent_coef)):
            raise UserError(
                "ent_coef must be a finite number or a function of the training that is left, got "
                f"{ent_coef!r}"
            )
        self.ent_coef = ent_coef

    def _on_training_start(self) -> None:
        name = type(self.model).__name__
        if not find_learning_probes(self.model.policy):
            raise UserError(
                f"attention entropy: {name} has no attention; use AttentionExtractor, or leave the "
                "callback out"
            )
        if hasattr(self.model, "cg_max_steps"):
            raise UserError(
                f"attention entropy: {name} takes no plain gradient step, so no term can be added "
                "to its loss; use PPO or A2C, or leave the callback out"
            )
        if any(getattr(m, "_compiled_call_impl", None) for m in self.model.policy.modules()):
            raise UserError(
                f"attention entropy: the policy of {name} is compiled, and a compiled network "
                "calls no new hooks; compile it after training, or leave the callback out"
            )

    def _on_rollout_end(self) -> None:
        # the updates come now
        coef = self._value()
        self.logger.record("attention/ent_coef", coef)
        for probe in find_learning_probes(self.model.policy):
            _let_go(probe)
            if coef:
                hook = _EntropyHook(coef, self.model)
                probe.register_forward_hook(hook, with_kwargs=True)

    def _on_rollout_start(self) -> None:
        self._let_all_go()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._let_all_go()

    def _value(self) -> float:
        """The weight for the updates that come."""
        if not callable(self.ent_coef):
            return float(self.ent_coef)
        total = max(self.model._total_timesteps, 1)
        return float(self.ent_coef(1.0 - self.model.num_timesteps / total))

    def _let_all_go(self) -> None:
        for probe in find_learning_probes(self.model.policy):
            _let_go(probe)


class _EntropyHook:
    """Add the term's gradient to the weights of one probe, as long as the updates last.

    Where an update is broken off, nobody takes the hook away: it knows by the model's step that it
    is out of date. A copy does nothing.
    """

    def __init__(self, coef: float = 0.0, model: BaseAlgorithm | None = None) -> None:
        self.coef = coef
        self.model = (lambda: None) if model is None else weakref.ref(model)
        self.step = -1 if model is None else model.num_timesteps

    def __call__(
        self, probe: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], weights: Tensor
    ) -> None:
        model = self.model()
        if model is None or model.num_timesteps != self.step or not weights.requires_grad:
            return
        bonus = self.coef * entropy_bonus_gradient(weights, *read_call(arguments, named))
        weights.register_hook(lambda gradient: gradient - bonus)  # type: ignore[no-untyped-call]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_EntropyHook, ())


def find_learning_probes(policy: nn.Module) -> list[Probe]:
    """List the probes of every network of a policy but the target networks.

    Args:
        policy: A policy of Stable-Baselines3.
    """
    return [
        module
        for name, module in policy.named_modules()
        if isinstance(module, Probe) and not name.split(".")[0].endswith("_target")
    ]


def _let_go(probe: Probe) -> None:
    for key, hook in list(probe._forward_hooks.items()):
        if isinstance(hook, _EntropyHook):
            del probe._forward_hooks[key]
            probe._forward_hooks_with_kwargs.pop(key, None)
