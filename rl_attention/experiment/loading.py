"""Rebuilding a trained model from its run folder, without unpickling anything."""

from dataclasses import dataclass
from pathlib import Path

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.hyperparams import HYPERPARAMS
from rl_attention.experiment.models import build_model
from rl_attention.experiment.normalization import load_normalization, normalize
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import load_weights


@dataclass(frozen=True)
class LoadedRun:
    """A trained model, and what it was trained by.

    Args:
        config: Its config.
        model: The model.
        env: An environment of its kind, with the running means of training.
    """

    config: RunConfig
    model: BaseAlgorithm
    env: VecEnv


def load_policy(folder: Path, *, device: str | None = None) -> LoadedRun:
    """Rebuild a trained model from its config and its weights.

    Args:
        folder: A run folder.
        device: Where to put it; by default as in training.

    Raises:
        UserError: There is no finished run, or its files do not fit each other.
    """
    run = RunFolder(folder)
    config = run.read_config()
    if device is not None:
        config = config.model_copy(update={"device": device})
    if not run.policy.is_file():
        raise UserError(f"{folder}: the run is not finished, there is no {run.policy.name}")
    check_run(config)
    # how it was trained does not shape the network, and one environment is enough to act
    hyperparams = HYPERPARAMS[config.algo].model_validate({})
    alone = config.env.model_copy(update={"n_envs": 1, "vec_env": "dummy"})
    acting = config.model_copy(update={"env": alone, "hyperparams": hyperparams})
    env = normalize(acting, build_env(acting))
    try:
        load_normalization(env, run.normalization)
        model = build_model(acting, env)
        load_weights(model.policy, run.policy)
    except BaseException:
        env.close()
        raise
    return LoadedRun(config, model, env)
