"""What is examined: a space, an environment or a model, with observations to look at."""

from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, unwrap_vec_normalize

from rl_attention.doctor.environments import Env, look_around, raw
from rl_attention.doctor.findings import NotApplicable
from rl_attention.doctor.network import Network, find_network
from rl_attention.doctor.parts import Observations, Space, parts_of
from rl_attention.doctor.sampling import pick


@dataclass(frozen=True)
class Subject:
    """What the checks look at.

    Attributes:
        space: The observations that the network gets; without a model, those of the environment.
        raw_space: The observations before `VecNormalize` and `VecTransposeImage`.
        env: The environment with its wrappers, if there is one.
        model: The model, if there is one.
        observed: Raw observations by key, one a row; empty where there are none.
        unobserved: Why there are none.
        seed: Decides what is drawn.
    """

    space: Space
    raw_space: Space
    env: Env | None = None
    model: BaseAlgorithm | None = None
    observed: Observations = field(default_factory=dict)
    unobserved: str = "needs observations: give an environment"
    seed: int = 0

    @property
    def on_policy(self) -> bool:
        """Whether the model learns from what it did itself (PPO, A2C, TRPO)."""
        return isinstance(self.model, OnPolicyAlgorithm)

    def observations(self) -> Observations:
        """Return the raw observations.

        Raises:
            NotApplicable: There are none.
        """
        if not self.observed:
            raise NotApplicable(self.unobserved)
        return self.observed

    def require_model(self) -> BaseAlgorithm:
        """Return the model.

        Raises:
            NotApplicable: There is none.
        """
        if self.model is None:
            raise NotApplicable("needs a model")
        return self.model

    def require_on_policy(self) -> BaseAlgorithm:
        """Return the model if it is on-policy.

        Raises:
            NotApplicable: There is none, or it is off-policy.
        """
        model = self.require_model()
        if not self.on_policy:
            raise NotApplicable(f"{type(model).__name__} is not on-policy")
        return model

    def network(self) -> Network:
        """Return the model's features extractor.

        Raises:
            NotApplicable: There is no model, or it has none.
        """
        return find_network(self.require_model().policy, self.seed)


def make_subject(
    target: BaseAlgorithm | Env | Space, env: Env | None, *, seed: int, n_steps: int
) -> Subject:
    """Prepare what is examined.

    Args:
        target: A model, an environment or a space.
        env: An environment to step, beside a model.
        seed: Decides everything.
        n_steps: Random steps to take.

    Raises:
        TypeError: It is nothing of the kind.
    """
    if isinstance(target, spaces.Space):
        return Subject(target, target, seed=seed)
    if isinstance(target, BaseAlgorithm):
        return _subject_of_model(target, env, seed, n_steps)
    if not isinstance(target, gym.Env | VecEnv):
        raise TypeError(f"expected a model, an environment or a space, got {type(target).__name__}")
    inner, space = raw(target), target.observation_space
    observed, why = _observe(target, seed, n_steps, may_step=True)
    return Subject(space, inner.observation_space, target, None, observed, why, seed)


def _subject_of_model(model: BaseAlgorithm, env: Env | None, seed: int, n_steps: int) -> Subject:
    own, space = model.get_env(), model.observation_space
    seen = own if env is None else env
    if seen is None:
        why = "needs observations: the model has no environment, say env="
        return Subject(space, space, None, model, {}, why, seed)
    observed, why = _observe(seen, seed, n_steps, may_step=env is not None)
    around = seen if own is None else own
    raw_space = raw(seen).observation_space
    return Subject(space, raw_space, around, model, observed or _last_seen(model, own), why, seed)


def _observe(env: Env, seed: int, n_steps: int, *, may_step: bool) -> tuple[Observations, str]:
    try:
        return look_around(env, seed=seed, n_steps=n_steps, may_step=may_step), ""
    except NotApplicable as error:
        return {}, str(error)


def _last_seen(model: BaseAlgorithm, own: VecEnv | None) -> Observations:
    """Take what the model has before its eyes, without a step."""
    last: Any = model._last_obs
    if last is None or own is None:
        return {}
    normalized = unwrap_vec_normalize(own)
    if normalized is not None:
        last = normalized.get_original_obs()
    return {key: pick(last, key) for key in parts_of(own.observation_space)}
