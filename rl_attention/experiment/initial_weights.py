"""Beginning with the weights of another run: `train --from`."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.errors import UserError
from rl_attention.experiment.config import EnvConfig, InitConfig, RunConfig
from rl_attention.experiment.environments import observation_space
from rl_attention.experiment.normalization import load_normalization
from rl_attention.experiment.overrides import flatten
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import hash_weights, load_weights

_ALIKE = {"ppo", "a2c"}
"""Algorithms whose networks are of one kind."""

_SAME = ("arm", "extractor", "net_arch", "env.normalize")


def describe_source(folder: Path) -> InitConfig:
    """Say what a run that begins with the weights of another has in its config.

    Args:
        folder: The other run's folder.

    Raises:
        UserError: It is no finished run.
    """
    run = RunFolder(folder)
    run.read_config()
    return InitConfig(path=str(folder), sha256=_digest(run))


def check_init(config: RunConfig) -> None:
    """Refuse weights that are not those of the config, or of a network of another kind.

    Args:
        config: The run that would begin with them.

    Raises:
        UserError: The other run is not there, was trained again, or has another arm, another size
            or other observations.
    """
    if config.init is None:
        return
    run = RunFolder(Path(config.init.path))
    there = run.read_config()
    if _digest(run) != config.init.sha256:
        raise UserError(
            f"init: the weights in {run.path} are not those that this run is to begin with; give "
            "--from again, with another folder for the new run"
        )
    if there.algo != config.algo and not {there.algo, config.algo} <= _ALIKE:
        raise UserError(
            f"init: expected a run of {config.algo}, whose network is of another kind than that of "
            f"{there.algo} in {run.path}: take --algo {there.algo}, or another run"
        )
    kept, wanted = _shape(there), _shape(config)
    for key, value in wanted.items():
        if kept.get(key) != value:
            raise UserError(
                f"init: expected a run with the {key} {value!r} of this one, but {run.path} has "
                f"{kept.get(key)!r}: take its settings, or another run"
            )
    if there.env != config.env and observation_space(there.env) != observation_space(config.env):
        raise UserError(
            "init: expected a run that sees what this one sees, but observations differ: in "
            f"{run.path} {_differences(there.env, config.env)}; take its settings, or another run"
        )


def begin_with(config: RunConfig, model: BaseAlgorithm, env: VecEnv) -> None:
    """Put the other run's weights, and its running means, into a model; no other state.

    A critic that was never trained, after an imitation, stays as the model has it, `value_gain`
    included.

    Args:
        config: The run; one that begins with random weights is left as it is.
        model: Its model.
        env: Its environment.

    Raises:
        UserError: The weights are of another network.
    """
    if config.init is None:
        return
    run = RunFolder(Path(config.init.path))
    policy: Any = model.policy
    trained = run.read_config().imitation is None
    critic = None if trained else deepcopy(policy.value_net.state_dict())
    load_normalization(env, run.normalization)
    load_weights(policy, run.policy)
    if critic is not None:
        policy.value_net.load_state_dict(critic)


def _shape(config: RunConfig) -> dict[str, object]:
    """Return the settings that decide what the network is."""
    settings = flatten(config.dump())
    shape = {
        key: value
        for key, value in settings.items()
        if any(key == name or key.startswith(f"{name}.") for name in _SAME)
    }
    memory = config.hyperparams.of_network()
    return shape | {f"hyperparams.{name}": value for name, value in memory.items()}


def _differences(there: EnvConfig, here: EnvConfig) -> str:
    ours, theirs = here.model_dump(), there.model_dump()
    differing = [key for key in ours if ours[key] != theirs[key]]
    return ", ".join(f"env.{key} is {theirs[key]!r}, here {ours[key]!r}" for key in differing)


def _digest(run: RunFolder) -> str:
    if not run.policy.exists():
        raise UserError(f"{run.path}: expected a finished run, but there is no {run.policy.name}")
    return hash_weights(run.policy)
