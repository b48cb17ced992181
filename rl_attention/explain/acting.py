"""What a policy says of a batch, as tensors that gradients flow through."""

from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Normal

from rl_attention.errors import UserError


class Acting(NamedTuple):
    """Distribution of the action, and value, for `B` observations.

    Attributes:
        log_probabilities: Of discrete actions, one `B A` for each part (`MultiDiscrete` has
            several, `MultiBinary` one of two columns for each flag); empty for continuous ones.
        mean: Mean of a Gaussian over continuous actions, `B A`; of a squashed one before `tanh`.
        std: Its standard deviation, `B A`.
        value: What the critic expects, `B`; None where there is none.
    """

    log_probabilities: tuple[Tensor, ...]
    mean: Tensor | None
    std: Tensor | None
    value: Tensor | None


class ActingOptions(NamedTuple):
    """What has to be chosen where a policy has no distribution of its own.

    Attributes:
        temperature: Of the softmax over Q-values, in their units; None: their own spread, which
            is the mean over the states of the standard deviation over the actions, so that the
            scale of the reward does not matter.
        noise: Standard deviation around the action of a deterministic actor (TD3, DDPG), in units
            of the action scaled to -1..1; 0.1 is the exploration noise of TD3's authors.
    """

    temperature: float | None = None
    noise: float = 0.1

    def checked(self) -> "ActingOptions":
        """Return these options, if they make sense.

        Raises:
            UserError: A number is not above zero.
        """
        for name, given in self._asdict().items():
            if given is not None and not given > 0:
                raise UserError(f"{name}: expected a number above 0, got {given}")
        return self


def act(model: Any, batch: Any, options: ActingOptions | None = None) -> Acting:
    """Ask a policy what it would do.

    Args:
        model: A Stable-Baselines3 or sb3-contrib algorithm.
        batch: Observations as tensors, as `policy.obs_to_tensor` gives them.
        options: For policies without a distribution.

    Raises:
        UserError: A policy of a kind that has neither a distribution nor Q-values, or one whose
            action does not depend on the observation alone: recurrent, or with action masks.
    """
    options = (options or ActingOptions()).checked()
    check_askable(model)
    policy = model.policy
    for attribute, ask in _ASK.items():
        if getattr(policy, attribute, None) is not None:
            return ask(policy, batch, options)
    raise UserError(
        f"{type(model).__name__}: expected a policy with a distribution over actions, Q-values or "
        f"an actor, got {type(policy).__name__}"
    )


def check_askable(model: Any) -> None:
    """Refuse a policy whose action does not depend on the observation alone.

    Args:
        model: A Stable-Baselines3 or sb3-contrib algorithm.

    Raises:
        UserError: It is recurrent, or has action masks.
    """
    policy = model.policy
    if hasattr(policy, "lstm_actor"):
        raise UserError(
            f"{type(model).__name__}: expected a policy that sees its observation alone, got a "
            "recurrent one: what it does without an entity depends on what it remembers"
        )
    ask_masked = getattr(policy, "get_distribution", None)
    if ask_masked is not None and "action_masks" in signature(ask_masked).parameters:
        raise UserError(
            f"{type(model).__name__}: expected a policy whose actions are all allowed, got one "
            "with action masks, which the observation does not hold"
        )


def spread_of_values(model: Any, batch: Any) -> float | None:
    """Give the mean over a batch of the standard deviation of Q-values over actions.

    Args:
        model: A Stable-Baselines3 or sb3-contrib algorithm.
        batch: Observations as tensors, as `policy.obs_to_tensor` gives them.

    Returns:
        At least the smallest number that can be divided by; None where the policy has no Q-values
        for each action.
    """
    values = _q_values(model.policy, batch)
    return None if values is None else _spread(values)


def _spread(values: Tensor) -> float:
    mean = float(values.detach().std(dim=1, correction=0).mean())
    return max(mean, torch.finfo(values.dtype).tiny)


def _q_values(policy: Any, batch: Any) -> Tensor | None:
    """Ask for Q-values, `B A`; of quantiles their mean."""
    if getattr(policy, "q_net", None) is not None:
        values: Tensor = policy.q_net(batch)
        return values
    if getattr(policy, "quantile_net", None) is not None:
        mean: Tensor = policy.quantile_net(batch).mean(dim=1)
        return mean
    return None


def _ask_values(policy: Any, batch: Any, options: ActingOptions) -> Acting:
    """Softmax over Q-values `B A` (Puri et al. 2020, section 3.1)."""
    values = _q_values(policy, batch)
    assert values is not None
    temperature = _spread(values) if options.temperature is None else options.temperature
    scaled = (values / temperature).log_softmax(dim=1)
    return Acting((scaled,), None, None, values.max(dim=1).values)


def _ask_actor(policy: Any, batch: Any, options: ActingOptions) -> Acting:
    actor = policy.actor
    if hasattr(actor, "get_action_dist_params"):
        mean, log_std, rest = actor.get_action_dist_params(batch)
        if actor.use_sde:
            spread = actor.action_dist.proba_distribution(mean, log_std, rest["latent_sde"])
            return Acting((), mean, spread.distribution.stddev, None)
        return Acting((), mean, log_std.exp(), None)
    mean = actor(batch)
    return Acting((), mean, torch.full_like(mean, options.noise), None)


def _ask_distribution(policy: Any, batch: Any, options: ActingOptions) -> Acting:
    found = policy.get_distribution(batch).distribution
    value = policy.predict_values(batch).flatten()
    parts = list(found) if isinstance(found, list | tuple) else [found]
    if all(isinstance(part, Categorical) for part in parts):
        return Acting(tuple(part.logits for part in parts), None, None, value)
    (part,) = parts
    if isinstance(part, Bernoulli):
        flags = torch.stack([-part.logits, part.logits], dim=-1) / 2
        return Acting(flags.log_softmax(dim=-1).unbind(dim=1), None, None, value)
    if isinstance(part, Normal):
        return Acting((), part.mean, part.stddev, value)
    raise UserError(
        f"expected a distribution over actions that is categorical, Bernoulli or Gaussian, got "
        f"{type(part).__name__}"
    )


# the actor comes before `get_distribution`: off-policy ones have the first alone
_ASK = {
    "q_net": _ask_values,
    "quantile_net": _ask_values,
    "actor": _ask_actor,
    "get_distribution": _ask_distribution,
}
"""From what a policy has to how it is asked."""
