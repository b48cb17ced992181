"""Rebuilding a trained model from its run folder, without unpickling anything."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.checkpoints import Checkpoint, CheckpointStore
from rl_attention.checkpoints.training import TENSORS, load_acting
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.hyperparams import HYPERPARAMS
from rl_attention.experiment.models import build_model, policy_kwargs
from rl_attention.experiment.normalization import load_normalization, normalize
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import count_stored, load_weights
from rl_attention.extractors import count_parameters

_MOST_ENVS, _MOST_ENTITIES, _MOST_FRAMES, _MOST_LAYERS = 1 << 16, 1 << 12, 1 << 12, 1 << 10
_WIDEST = 1 << 24  # a matrix of this size can still be counted


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


def load_policy(folder: Path, *, device: str | None = None, best: bool = False) -> LoadedRun:
    """Rebuild a trained model from its config and its weights.

    Args:
        folder: A run folder.
        device: Where to put it; by default as in training.
        best: Take the best checkpoint, by success rate in training, and not the last weights; the
            run need not be finished.

    Raises:
        UserError: There is no finished run, or its files do not fit each other.
    """
    run = RunFolder(folder)
    config = run.read_config()
    if device is not None:
        config = config.model_copy(update={"device": device})
    checkpoint = _find_best(run) if best else None
    if checkpoint is None and not os.path.lexists(run.policy):
        raise UserError(f"{folder}: the run is not finished, there is no {run.policy.name}")
    check_run(config)
    # how it was trained hardly shapes the network, and one environment is enough to act
    shape = config.hyperparams.of_network()
    hyperparams = HYPERPARAMS[config.algo].model_validate(shape)
    alone = config.env.model_copy(update={"n_envs": 1, "vec_env": "dummy"})
    acting = config.model_copy(update={"env": alone, "hyperparams": hyperparams})
    room = count_stored(run.policy if checkpoint is None else checkpoint.file(TENSORS))
    _refuse_giants(config, folder)
    env = normalize(acting, build_env(acting))
    try:
        _refuse_larger(acting, env, room, folder)
        model = build_model(acting, env)
        if checkpoint is not None:
            load_acting(checkpoint, model)
        else:
            load_normalization(env, run.normalization)
            load_weights(model.policy, run.policy)
    except BaseException:
        env.close()
        raise
    return LoadedRun(config, model, env)


def _find_best(run: RunFolder) -> Checkpoint:
    best = CheckpointStore(run.checkpoints).best()
    if best is None:
        raise UserError(f"{run.path}: there is no checkpoint of which it is known how good it was")
    return best


def _refuse_giants(config: RunConfig, folder: Path) -> None:
    """Refuse sizes that no count of weights would stop."""
    widths = {f"extractor.{name}": size for name, size in config.extractor.model_dump().items()}
    widths |= {f"net_arch.{index}": size for index, size in enumerate(config.net_arch)}
    sizes = {name: (size, _WIDEST) for name, size in widths.items() if isinstance(size, int)}
    shape = config.hyperparams.of_network()
    sizes |= {
        "hyperparams.lstm_hidden_size": (shape.get("lstm_hidden_size", 0), _WIDEST),
        "hyperparams.n_lstm_layers": (shape.get("n_lstm_layers", 0), _MOST_LAYERS),
        "env.n_frames": (config.env.n_frames or 0, _MOST_FRAMES),
        "env.n_envs": (config.env.n_envs, _MOST_ENVS),
        "env.max_entities": (config.env.max_entities, _MOST_ENTITIES),
        "extractor.n_blocks": (config.extractor.n_blocks, _MOST_LAYERS),
        "net_arch": (len(config.net_arch), _MOST_LAYERS),
    }
    for name, (size, most) in sizes.items():
        if size > most:
            raise UserError(
                f"{folder}: {name}: expected at most {most:,} to open a run, got {size}"
            )


def _refuse_larger(config: RunConfig, env: VecEnv, room: int, folder: Path) -> None:
    """Count the network's weights without making them, and compare with what the file can hold."""
    with torch.device("meta"):
        kwargs = policy_kwargs(config, env)
        build = kwargs.get("features_extractor_class", FlattenExtractor)
        extractor = build(env.observation_space, **kwargs.get("features_extractor_kwargs", {}))
    hidden = config.hyperparams.of_network().get("lstm_hidden_size", 0)
    memory = 4 * hidden * (extractor.features_dim + hidden)
    layers = [hidden or extractor.features_dim, *config.net_arch]
    count = count_parameters(extractor) + memory + sum(a * b for a, b in pairwise(layers))
    if count > room:
        raise UserError(
            f"{folder}: its config makes a network of {count:,} weights or more, but its file of "
            f"weights holds at most {room:,}: one of them is of another run"
        )
