"""What one decision costs, in floating-point operations."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch.utils.flop_counter import FlopCounterMode


def count_operations(model: BaseAlgorithm) -> int:
    """Count the operations of one decision: multiplications and additions of all matrix products.

    The mean over the observations that training ended with, as tokens differ in number from one
    observation to the next. What is no matrix product is not counted.

    Args:
        model: A model that has been trained, if only for a step.
    """
    last = model._last_obs
    assert last is not None
    rows = len(next(iter(last.values())) if isinstance(last, dict) else np.asarray(last))
    observations, _ = model.policy.obs_to_tensor(last)
    training = model.policy.training
    model.policy.set_training_mode(False)
    # the counter follows gradients, and fails on a view of a parameter that was made without them
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        _decide(model, observations)
    model.policy.set_training_mode(training)
    return int(counter.get_total_flops()) // rows


def _decide(model: Any, observations: Any) -> None:
    states = getattr(model, "_last_lstm_states", None)
    if states is None:
        model.policy._predict(observations, deterministic=True)
        return
    begun = torch.as_tensor(model._last_episode_starts, device=model.device).float()
    model.policy._predict(observations, states.pi, begun, deterministic=True)
