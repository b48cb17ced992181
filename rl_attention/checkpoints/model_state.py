"""All that a model of Stable-Baselines3 needs to train on, but its replay buffer."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.vec_env import VecNormalize

from rl_attention.checkpoints.manifest import CheckpointError

EXACT = ("PPO", "A2C", "DQN", "SAC", "TD3", "DDPG", "RecurrentPPO")
"""Algorithms whose whole state is known here."""

_COUNTERS = (
    "num_timesteps",
    "_n_updates",
    "_episode_num",
    "_n_calls",
    "exploration_rate",
    "_current_progress_remaining",
)


def capture(model: BaseAlgorithm) -> dict[str, Any]:
    """Collect the state of a model: networks, optimizers, counters, windows of episodes, means.

    Args:
        model: Any algorithm.

    Returns:
        Nested state for `rl_attention.checkpoints.tensors.pack`; its tensors are the model's own.
    """
    _, variables = model._get_torch_save_params()
    return {
        "parameters": model.get_parameters(),
        "variables": {name: recursive_getattr(model, name) for name in variables},
        "counters": {name: getattr(model, name) for name in _COUNTERS if hasattr(model, name)},
        "episodes": [_plain_episode(info) for info in model.ep_info_buffer or ()],
        "successes": [bool(success) for success in model.ep_success_buffer or ()],
        "unlogged": _unlogged(model),
        "normalization": _capture_means(model.get_vec_normalize_env()),
    }


def restore(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Put a captured state into a model of the same build.

    Args:
        model: An algorithm that was built as the captured one was.
        state: What `capture` returned.

    Raises:
        CheckpointError: The state is of another model.
    """
    with _mismatches_named():
        model.set_parameters(state["parameters"], exact_match=True)
        for name, value in state["variables"].items():
            recursive_getattr(model, name).data.copy_(value)
        restore_means(model.get_vec_normalize_env(), state["normalization"])
        for name, value in state["counters"].items():
            if name not in _COUNTERS:
                raise KeyError(name)
            setattr(model, name, value)
        restore_windows(model, state)


def restore_policy(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Put into a model what it needs to act: its networks and the running means.

    Args:
        model: An algorithm whose policy was built as the captured one was.
        state: What `capture` returned.

    Raises:
        CheckpointError: The state is of another model, or holds weights that are not finite.
    """
    with _mismatches_named():
        weights = state["parameters"]["policy"]
        for name, tensor in weights.items():
            if not torch.isfinite(tensor).all():
                raise CheckpointError(f"expected finite weights, but {name} holds NaN or infinity")
        model.policy.load_state_dict(weights)
        restore_means(model.get_vec_normalize_env(), state["normalization"])


@contextmanager
def _mismatches_named() -> Iterator[None]:
    try:
        yield
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        line = " ".join(str(error).split())[:200]
        raise CheckpointError(f"the checkpoint is of another model: {line}") from None


def restore_windows(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Set the last episodes, as plain numbers.

    A run that goes on does so too: a mean of other types of numbers has other last digits.

    Args:
        model: An algorithm.
        state: What `capture` returned.
    """
    size = model._stats_window_size
    model.ep_info_buffer = deque(state["episodes"], maxlen=size)
    model.ep_success_buffer = deque(state["successes"], maxlen=size)


def restore_unlogged(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Hand the logger the values that were recorded and not yet written.

    Args:
        model: An algorithm whose logger is set.
        state: What `capture` returned.
    """
    for name, (value, count, excluded) in state["unlogged"].items():
        model.logger.name_to_value[name] = value
        model.logger.name_to_count[name] = count
        model.logger.name_to_excluded[name] = excluded


def machine(model: BaseAlgorithm) -> dict[str, Any]:
    """Name what decides the last digits of a result.

    Args:
        model: An algorithm.
    """
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "device": str(model.device),
    }


def _plain_episode(info: dict[str, Any]) -> dict[str, Any]:
    """Keep numbers and text; a monitor may have put anything beside them."""
    plain = {
        key: value.item() if isinstance(value, np.generic) else value for key, value in info.items()
    }
    return {key: value for key, value in plain.items() if isinstance(value, int | float | str)}


def _unlogged(model: BaseAlgorithm) -> dict[str, Any]:
    if not hasattr(model, "_logger"):
        return {}
    logger = model.logger
    return {
        name: (value, logger.name_to_count.get(name, 0), tuple(logger.name_to_excluded[name] or ()))
        for name, value in logger.name_to_value.items()
        if isinstance(value, int | float | str | np.generic)
    }


def _capture_means(normalized: VecNormalize | None) -> dict[str, Any] | None:
    if normalized is None:
        return None
    means = {"returns": normalized.ret_rms}
    if normalized.norm_obs:
        found: Any = normalized.obs_rms
        named = found if isinstance(found, dict) else {"": found}
        means |= {f"observation/{key}": rms for key, rms in named.items()}
    return {name: (rms.mean, rms.var, float(rms.count)) for name, rms in means.items()}


def restore_means(normalized: VecNormalize | None, means: dict[str, Any] | None) -> None:
    """Set the running means of a normalised environment.

    Args:
        normalized: The environment, if it is one.
        means: The part `normalization` of what `capture` returned.

    Raises:
        ValueError: They do not belong together.
    """
    if (normalized is None) != (means is None):
        raise ValueError("one of the two is normalised")
    if normalized is None or means is None:
        return
    for name, (mean, var, count) in means.items():
        rms = _running_mean(normalized, name)
        if np.shape(mean) != np.shape(rms.mean):
            raise ValueError(f"means of shape {np.shape(mean)} for {np.shape(rms.mean)}")
        rms.mean, rms.var, rms.count = mean, var, count


def _running_mean(normalized: VecNormalize, name: str) -> RunningMeanStd:
    if name == "returns":
        return normalized.ret_rms
    found: Any = normalized.obs_rms
    rms: RunningMeanStd = (
        found[name.removeprefix("observation/")] if isinstance(found, dict) else found
    )
    return rms
