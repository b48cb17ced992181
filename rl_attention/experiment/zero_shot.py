"""Tests on what was never trained: other environments, changed observations, other actions."""

from collections.abc import Iterator
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env, change_applies, check_env
from rl_attention.experiment.evaluation import Evaluation, evaluate


def check_zero_shot(config: RunConfig) -> None:
    """Refuse, before anything is trained, a test that the trained network could not take.

    Args:
        config: The run.

    Raises:
        UserError: There is no such environment, or it has other observations or actions.
    """
    others = {name: test for name, test in expand_tests(config) if test.env.id != config.env.id}
    if not others:
        return
    trained = _spaces(config)
    for name, test in others.items():
        check_env(test.env)
        for what, space in _spaces(test).items():
            if space != trained[what]:
                raise UserError(
                    f"eval.zero_shot.{name}.id: expected an environment with the {what} of "
                    f"{config.env.id}, but those of {test.env.id} differ; choose another"
                )


def evaluate_zero_shot(
    model: BaseAlgorithm, config: RunConfig, training: VecEnv, *, threads: int | None = None
) -> dict[str, Evaluation | None]:
    """Evaluate a model on each test.

    Args:
        model: What acts.
        config: Its run.
        training: The environment of training, for its running means.
        threads: CPU threads, where the config leaves them open.

    Returns:
        From the name of a test to its evaluation; None where its change means nothing for what the
        arm sees.
    """
    found: dict[str, Evaluation | None] = {}
    for name, test in expand_tests(config):
        change = config.eval.zero_shot[name].change
        if change is None or change_applies(test.env, change):
            found[name] = evaluate(model, test, training, threads=threads, change=change)
        else:
            found[name] = None
    return found


def expand_tests(config: RunConfig) -> Iterator[tuple[str, RunConfig]]:
    """Give each test's name, and the run with its environment and its way of acting.

    Args:
        config: A run.
    """
    for name, test in config.eval.zero_shot.items():
        env = config.env.model_copy(update={"id": test.id or config.env.id})
        acting = {} if test.deterministic is None else {"deterministic": test.deterministic}
        evaluation = config.eval.model_copy(update=acting)
        yield name, config.model_copy(update={"env": env, "eval": evaluation})


def _spaces(config: RunConfig) -> dict[str, spaces.Space[Any]]:
    env = build_env(config, n_envs=1)
    try:
        return {"observations": env.observation_space, "actions": env.action_space}
    finally:
        env.close()
