"""Building the SB3 model that a config describes."""

from typing import Any

from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.errors import UserError
from rl_attention.experiment.algorithms import RECURRENT, find_algorithm
from rl_attention.experiment.compatibility import find_conflict
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import observation_space, place_columns
from rl_attention.experiment.hyperparams import OnPolicyHyperparams, PPOConfig
from rl_attention.experiment.schedules import parse_schedule
from rl_attention.extractors import EXTRACTORS, count_parameters, match_parameters
from rl_attention.extractors.parameters import SIZE_KNOBS
from rl_attention.history import HistoryRolloutBuffer
from rl_attention.policies import scale_value_head

ADAM_EPS = {"ppo": 1e-5, "ppo_lstm": 1e-5, "dqn": 1e-8}
"""Epsilon of Adam, as SB3 has it, for the algorithms that use Adam."""

_ROLLOUTS = ("ppo", "a2c")
_SCHEDULES = ("learning_rate", "clip_range")
_MINIBATCHES = (4, 3, 2, 1)


def build_model(config: RunConfig, env: VecEnv) -> BaseAlgorithm:
    """Make an untrained model.

    Args:
        config: The run.
        env: Its environment.

    Raises:
        UserError: The algorithm cannot take the actions, or no control arm matches in size.
    """
    kind = "MultiInput" if isinstance(env.observation_space, spaces.Dict) else "Mlp"
    memory = "Lstm" if config.algo in RECURRENT else ""
    try:
        model = find_algorithm(config.algo)(
            f"{kind}{memory}Policy",
            env,
            policy_kwargs=policy_kwargs(config, env),
            seed=config.seed,
            device=config.device,
            **algorithm_kwargs(config),
            **_buffer(config),
        )
    except AssertionError as error:
        # SB3 refuses action spaces by an assertion
        if "action spaces" not in str(error):
            raise
        raise UserError(
            f"algo: {config.algo} cannot take the actions {env.action_space} of {config.env.id}; "
            "choose another algorithm"
        ) from None
    if isinstance(config.hyperparams, OnPolicyHyperparams):
        scale_value_head(model.policy, config.hyperparams.value_gain)
    return model


def policy_kwargs(config: RunConfig, env: VecEnv) -> dict[str, Any]:
    """Choose the extractor and the hidden layers of the heads, alike for every arm.

    Args:
        config: The run.
        env: Its environment.
    """
    layers = list(config.net_arch)
    kwargs: dict[str, Any] = {
        "net_arch": layers if config.algo == "dqn" else {"pi": layers, "vf": layers}
    }
    if config.algo in ADAM_EPS:
        # one kernel for all parameters; SB3 leaves its own epsilon out as soon as options are given
        kwargs["optimizer_kwargs"] = {"fused": True, "eps": ADAM_EPS[config.algo]}
    kwargs |= config.hyperparams.of_network()
    if config.arm != "flat":
        reference = _reference(config)
        kwargs["features_extractor_class"] = EXTRACTORS[config.arm]
        kwargs["features_extractor_kwargs"] = match_parameters(
            config.arm, env.observation_space, reference, like=_default_attention(config)
        )
    return kwargs


def _reference(config: RunConfig) -> dict[str, Any]:
    return {**config.extractor.model_dump(), "place_columns": place_columns(config.env)}


def _default_attention(config: RunConfig) -> tuple[spaces.Space[Any], dict[str, Any]] | None:
    """Let an arm that sees cells have the size of the default attention arm, which sees entities.

    Where attention is given options that entities do not take, it is that on cells.
    """
    if config.env.view != "cells" or config.arm not in SIZE_KNOBS:
        return None
    entities = config.env.model_copy(update={"view": "entities"})
    wanted = config.model_copy(update={"env": entities, "arm": "attention"})
    if find_conflict(wanted) is not None:
        return None
    return observation_space(wanted.env), _reference(wanted)


def algorithm_kwargs(config: RunConfig) -> dict[str, Any]:
    """Turn a config's hyperparameters into SB3's arguments."""
    ours = {"value_gain", "advantage_floor", *config.hyperparams.of_network()}
    kwargs = config.hyperparams.model_dump(exclude=ours)
    if isinstance(config.hyperparams, OnPolicyHyperparams) and config.hyperparams.advantage_floor:
        kwargs["normalize_advantage"] = False  # a callback scales them
    for name in _SCHEDULES:
        if name in kwargs:
            kwargs[name] = make_schedule(kwargs[name])
    if isinstance(config.hyperparams, PPOConfig) and kwargs["batch_size"] is None:
        kwargs["batch_size"] = default_batch_size(kwargs["n_steps"] * config.env.n_envs)
    return kwargs


def _buffer(config: RunConfig) -> dict[str, Any]:
    """Let a rollout of windows keep each frame once."""
    if config.env.n_frames is None or config.algo not in _ROLLOUTS:
        return {}
    return {"rollout_buffer_class": HistoryRolloutBuffer}


def make_schedule(value: float | str) -> float | LinearSchedule:
    """Give SB3 what it takes: a number, or a schedule that falls to zero."""
    initial, linear = parse_schedule(value)
    return LinearSchedule(initial, 0.0, 1.0) if linear else initial


def default_batch_size(rollout: int) -> int:
    """Return a quarter of a rollout, or the nearest larger part that divides it."""
    return next(rollout // n for n in _MINIBATCHES if rollout % n == 0 and rollout // n > 1)


def count_model_parameters(model: BaseAlgorithm) -> dict[str, int]:
    """Count the trainable numbers of the extractor and of the network that acts.

    A target network copies the one that acts, so it is not counted.

    Args:
        model: Any model that `build_model` makes.
    """
    network = getattr(model, "q_net", model.policy)
    extractor = network.features_extractor
    return {"extractor": count_parameters(extractor), "policy": count_parameters(network)}
