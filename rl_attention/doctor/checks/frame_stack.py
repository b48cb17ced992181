"""Frames stacked by `VecFrameStack` that the extractor does not know of."""

from collections.abc import Iterator
from typing import Any

from stable_baselines3.common.vec_env import VecEnvWrapper, VecFrameStack

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.sets import find_sets, require_ours, token_options
from rl_attention.doctor.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the frames of the environment with `n_stack` of the extractor.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: Nothing is stacked, images alone are, or the extractor is none of ours.
    """
    stacked = _find_stack(subject.env)
    subject.require_model()
    require_ours(subject)
    find_sets(subject)
    told, frames = token_options(subject).n_stack, stacked.stacked_obs.n_stack
    if told != frames:
        yield Finding(
            "frame_stack",
            "error",
            "features_extractor_kwargs",
            f"n_stack is {told}, and VecFrameStack puts {frames} frames side by side: columns get "
            "the bounds of others, and masks are those of another frame",
            f"set n_stack={frames}",
        )


def _find_stack(env: Any) -> VecFrameStack:
    while isinstance(env, VecEnvWrapper):
        if isinstance(env, VecFrameStack):
            return env
        env = env.venv
    raise NotApplicable("no VecFrameStack")
