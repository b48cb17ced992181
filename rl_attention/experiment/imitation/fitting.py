"""A policy's distribution over actions, fitted to what the bot would do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor

from rl_attention.experiment.imitation.collecting import Labelled
from rl_attention.experiment.imitation.config import ImitationConfig
from rl_attention.experiment.schedules import parse_schedule
from rl_attention.experiment.weights import named_tensors

_MEASURED_TOGETHER = 1024


@dataclass(frozen=True)
class Epoch:
    """How a fit does after one pass over the labels.

    Args:
        number: Passes so far.
        loss: Mean cross-entropy of the labels, each as it was met.
        accuracy: Share of the labels whose action was the likeliest, likewise.
        held_out_loss: Mean cross-entropy of the bot's held-out steps after the pass.
        held_out_accuracy: Share of them whose action is the likeliest.
        judged_accuracy: The same of the steps that the fit is judged by.
    """

    number: int
    loss: float
    accuracy: float
    held_out_loss: float
    held_out_accuracy: float
    judged_accuracy: float


class Fitter:
    """Fits one policy, again and again as labels are added, each time from the same first weights.

    A fit that went on from the last one would have learned the few first labels by heart, and does
    worse on new ones (Ash and Adams 2020). The value head learns nothing: labels hold no reward.

    Args:
        policy: The policy.
        settings: Passes, batches, step size, and when a fit ends.
        held_out: The bot's held-out steps.
        rng: Decides the order of labels.
    """

    def __init__(
        self,
        policy: ActorCriticPolicy,
        settings: ImitationConfig,
        held_out: Labelled,
        rng: np.random.Generator,
    ) -> None:
        self._policy = policy
        self._settings = settings
        self._rng = rng
        self._held_out = _Tensors(policy, held_out)
        self._rate, self._falls = parse_schedule(settings.learning_rate)
        self._first = _copies(policy)

    def fit(
        self,
        labels: Labelled,
        on_epoch: Callable[[Epoch], None],
        *,
        judged_by: Labelled | None = None,
    ) -> Epoch:
        """Pass over the labels until the last epoch, or until nothing gets better.

        Args:
            labels: At least one.
            on_epoch: Is told of each pass.
            judged_by: Held-out steps that were come to as the labels were; None: the bot's own.

        Returns:
            The epoch whose weights the policy has now.
        """
        data = _Tensors(self._policy, labels)
        judges = None if judged_by is None else _Tensors(self._policy, judged_by)
        _put_back(self._policy, self._first)
        optimizer = torch.optim.Adam(self._policy.parameters(), lr=self._rate)
        best: Epoch | None = None
        kept: dict[str, Tensor] = {}
        for number in range(1, self._settings.n_epochs + 1):
            met, held_out = self._pass(data, number, optimizer), self._measure(self._held_out)
            judged = held_out if judges is None else self._measure(judges)
            epoch = Epoch(number, *met, *held_out, judged_accuracy=judged[1])
            on_epoch(epoch)
            if best is None or epoch.judged_accuracy > best.judged_accuracy:
                best = epoch
                kept = _copies(self._policy) if self._settings.keep_best else {}
            patience = self._settings.patience
            if patience is not None and epoch.number - best.number >= patience:
                break
        if not self._settings.keep_best:
            return epoch
        assert best is not None
        _put_back(self._policy, kept)
        return best

    def _pass(
        self, data: "_Tensors", number: int, optimizer: torch.optim.Optimizer
    ) -> tuple[float, float]:
        self._policy.set_training_mode(True)
        order = self._rng.permutation(len(data))
        size = self._settings.batch_size
        updates = -(-len(data) // size)
        total = np.zeros(2)
        for index, start in enumerate(range(0, len(data), size)):
            done = ((number - 1) * updates + index) / (self._settings.n_epochs * updates)
            for group in optimizer.param_groups:
                group["lr"] = self._rate * (1 - done) if self._falls else self._rate
            rows = torch.as_tensor(order[start : start + size], device=data.actions.device)
            loss, hits = _ask(self._policy, *data.take(rows))
            optimizer.zero_grad()
            torch.autograd.backward(loss.mean())
            optimizer.step()
            total += loss.sum().item(), hits.sum().item()
        self._policy.set_training_mode(False)
        return _means(total, len(data))

    @torch.no_grad()
    def _measure(self, steps: "_Tensors") -> tuple[float, float]:
        total = np.zeros(2)
        for part in steps.batches(_MEASURED_TOGETHER):
            loss, hits = _ask(self._policy, *part)
            total += loss.sum().item(), hits.sum().item()
        return _means(total, len(steps))


class _Tensors:
    """Labels as the policy takes them, made once."""

    def __init__(self, policy: ActorCriticPolicy, labels: Labelled) -> None:
        self.observations: Any = policy.obs_to_tensor(labels.observations)[0]
        self.actions = torch.as_tensor(labels.actions, device=policy.device)

    def __len__(self) -> int:
        return len(self.actions)

    def take(self, rows: Tensor | slice) -> tuple[Any, Tensor]:
        if isinstance(self.observations, dict):
            return {key: part[rows] for key, part in self.observations.items()}, self.actions[rows]
        return self.observations[rows], self.actions[rows]

    def batches(self, size: int) -> Iterator[tuple[Any, Tensor]]:
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))


def _ask(policy: ActorCriticPolicy, observations: Any, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of each label, and whether its action is the likeliest."""
    distribution = policy.get_distribution(observations)
    return -distribution.log_prob(actions), distribution.mode() == actions


def _means(total: Any, count: int) -> tuple[float, float]:
    loss, hits = (total / count).tolist()
    return loss, hits


def _copies(policy: ActorCriticPolicy) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in named_tensors(policy).items()}


@torch.no_grad()
def _put_back(policy: ActorCriticPolicy, kept: dict[str, Tensor]) -> None:
    for name, tensor in named_tensors(policy).items():
        tensor.copy_(kept[name])
