"""Forward and backward of the extractors alone, on the same recorded observations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import preprocess_obs
from torch import Tensor, nn

import rl_attention_envs
from benchmarks.arms import Settings
from benchmarks.measure import passes_to_last, seconds_a_pass
from benchmarks.textbook import TextbookExtractor
from rl_attention import AttentionExtractor

N_OBSERVATIONS = 1024
_STRIDE = 5
_LEAST_SECONDS = 0.5


class UnmergedExtractor(AttentionExtractor):
    """The same network, which computes every observation, also those that are equal."""

    merges = False


def make_extractor_timers(
    settings: Settings, *, n_observations: int = N_OBSERVATIONS, quick: bool = False
) -> dict[str, Callable[[], float]]:
    """Make what times one forward and backward pass of either extractor.

    Args:
        settings: Environment and backend.
        n_observations: Recorded observations, all in one batch.
        quick: Time one pass only.

    Returns:
        `textbook`, `attention` and `unmerged`, which is attention as if no two observations were
        equal; each gives seconds a pass.
    """
    entities, entity_space = record(settings, "entities", n_observations)
    cells, cell_space = record(settings, "cells", n_observations)
    if not np.array_equal(entities["direction"], cells["direction"]):
        raise RuntimeError("expected the same states in both views, got others: not comparable")
    seen = _preprocess(entities, entity_space, settings.device)
    seen_cells = _preprocess(cells, cell_space, settings.device)
    extractors = {
        "textbook": (TextbookExtractor(cell_space), seen_cells),
        "attention": (AttentionExtractor(entity_space, n_blocks=1), seen),
        "unmerged": (UnmergedExtractor(entity_space, n_blocks=1), seen),
    }
    return {
        name: _make_timer(
            extractor.to(settings.device), observations, 0.0 if quick else _LEAST_SECONDS
        )
        for name, (extractor, observations) in extractors.items()
    }


def forward_and_backward(extractor: nn.Module, observations: dict[str, Tensor]) -> None:
    """Run one pass; gradients are made anew, as an optimizer that clears them has it."""
    extractor.zero_grad(set_to_none=True)
    extractor(observations).square().mean().backward()


def record(
    settings: Settings, view: str, n_observations: int
) -> tuple[dict[str, NDArray[Any]], spaces.Dict]:
    """Record observations of a random agent; the same states in every view.

    Args:
        settings: Environment and backend.
        view: How the states are shown.
        n_observations: How many.
    """
    n_envs = min(settings.n_envs, n_observations)
    env = rl_attention_envs.make_vec_env(
        settings.env_id, view=view, n_envs=n_envs, seed=1, backend=settings.backend
    )
    space = env.observation_space
    assert isinstance(space, spaces.Dict)
    assert isinstance(env.action_space, spaces.Discrete)
    random = np.random.default_rng(0)
    seen: list[Any] = []
    env.reset()
    for _ in range(-(-n_observations // n_envs)):
        for _ in range(_STRIDE):
            observation, *_ = env.step(random.integers(env.action_space.n, size=n_envs))
        seen.append(observation)
    env.close()
    return {
        key: np.concatenate([one[key] for one in seen])[:n_observations] for key in space
    }, space


def _preprocess(
    observations: dict[str, NDArray[Any]], space: spaces.Dict, device: str
) -> dict[str, Tensor]:
    tensors = {key: torch.as_tensor(value).to(device) for key, value in observations.items()}
    processed = preprocess_obs(tensors, space)
    assert isinstance(processed, dict)
    return processed


def _make_timer(
    extractor: nn.Module, observations: dict[str, Tensor], least_seconds: float
) -> Callable[[], float]:
    def work() -> None:
        forward_and_backward(extractor, observations)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    passes = passes_to_last(work, least_seconds)
    return lambda: seconds_a_pass(work, passes)
