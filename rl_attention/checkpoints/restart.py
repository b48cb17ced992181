"""Letting a training draw, from some step on, by a seed and that step alone."""

from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import set_random_seed

_STREAM = 2  # a run's seed itself and its streams 0 and 1 are used elsewhere
_USES = 3


def restart(model: BaseAlgorithm, *, seed: int, step: int) -> None:
    """Seed every random generator, and begin a new episode in every environment.

    To be called where a rollout begins.

    Args:
        model: An algorithm of Stable-Baselines3 in the middle of `learn`.
        seed: The seed of the run.
        step: Frames trained so far.

    Raises:
        ValueError: The model has no environment.
    """
    env = model.get_env()
    if env is None:
        raise ValueError("expected a model with an environment")
    words = np.random.SeedSequence([seed, _STREAM, step]).generate_state(_USES)
    draws, actions, environments = (int(word) >> 1 for word in words)
    set_random_seed(draws, using_cuda=model.device.type == "cuda")
    model.action_space.seed(actions)
    env.seed(environments)
    model._last_obs = env.reset()  # type: ignore[assignment]
    model._last_episode_starts = np.ones((env.num_envs,), dtype=bool)
    normalized = model.get_vec_normalize_env()
    if normalized is not None:
        model._last_original_obs = normalized.get_original_obs()
    if model.action_noise is not None:
        model.action_noise.reset()
    if model.use_sde:
        # drawn just before the callbacks are told that a rollout begins
        actor: Any = getattr(model, "actor", model.policy)
        actor.reset_noise(env.num_envs)
