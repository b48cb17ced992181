"""Evaluation on fresh environments, an equal share of episodes for each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import EVALUATION, build_env, derive_seed
from rl_attention.experiment.normalization import normalize_alike
from rl_attention.zero_shot_result import ZeroShotResult


@dataclass(frozen=True)
class Evaluation:
    """Every episode of an evaluation.

    Args:
        returns: Return of each episode.
        lengths: Length of each.
        successes: Whether each reached the goal.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    successes: NDArray[np.bool_]

    def summary(self) -> ZeroShotResult:
        """Return what a result file keeps of a test on what was never trained."""
        return ZeroShotResult(
            success_rate=float(self.successes.mean()),
            mean_reward=float(self.returns.mean()),
            std_reward=float(self.returns.std()),
            n_eval_episodes=len(self.returns),
        )


def evaluate(
    model: BaseAlgorithm,
    config: RunConfig,
    training: VecEnv,
    *,
    threads: int | None = None,
    change: str | None = None,
) -> Evaluation:
    """Evaluate a model on environments that it was not trained on.

    Each environment plays a fixed number of episodes: counting the first to finish would favour
    short ones.

    Args:
        model: What acts.
        config: Its run; says how many episodes and whether the likeliest action is taken.
        training: The environment of training, for its running means.
        threads: CPU threads, where the config leaves them open.
        change: A change of what the environments show.
    """
    n_episodes = config.eval.n_episodes
    n_envs = min(config.env.n_envs, n_episodes)
    env = build_env(config, stream=EVALUATION, n_envs=n_envs, threads=threads, change=change)
    env = normalize_alike(env, training)
    # sampled actions do not depend on what was drawn before
    set_random_seed(derive_seed(config.seed, EVALUATION), using_cuda=model.device.type == "cuda")
    successes: list[bool] = []

    def collect(scope: dict[str, Any], _: dict[str, Any]) -> None:
        if scope["done"]:
            successes.append(bool(scope["info"]["is_success"]))

    try:
        returns, lengths = evaluate_policy(
            model,
            env,
            n_eval_episodes=n_episodes,
            deterministic=config.eval.deterministic,
            return_episode_rewards=True,
            callback=collect,
        )
    finally:
        env.close()
    return Evaluation(
        returns=np.asarray(returns, dtype=np.float64),
        lengths=np.asarray(lengths, dtype=np.int64),
        successes=np.asarray(successes, dtype=np.bool_),
    )
