"""Probes from what the training environments show first, named as they say."""

import warnings
from typing import Any

from rl_attention.errors import UserError
from rl_attention.recording import ProbeSet
from rl_attention.recording.descriptions import METHOD
from rl_attention.recording.normalize import find_normalizer

_MOST = 4


def first_look(model: Any, *, n_tokens: int | None) -> ProbeSet:
    """Take the observation of each of the first four environments, and ask what is in it.

    Nothing is stepped, reset, seeded or rendered. An environment is asked by `describe_entities()`
    if all of them have it; an answer that is of no use gives a warning, and probes without names.

    Args:
        model: A Stable-Baselines3 algorithm whose `learn` has begun.
        n_tokens: How many tokens an observation has, if the network knows.

    Raises:
        UserError: Asking has ended the process of an environment.
    """
    normalizer = find_normalizer(model)
    first = model._last_obs if normalizer is None else normalizer.get_original_obs()
    if isinstance(first, dict):
        observations: Any = {key: first[key][:_MOST] for key in first}
    else:
        observations = first[:_MOST]
    bare = ProbeSet.from_observations(observations)
    env = model.get_env()
    if not _offers(env):
        return bare
    try:
        answers = env.env_method(METHOD, indices=list(range(len(bare))))
        return ProbeSet.from_observations(observations, answers, n_tokens=n_tokens)
    except (EOFError, ConnectionError) as error:
        raise UserError(
            f"{METHOD}() has ended the process of an environment, whose own error stands above: "
            "mend it, or give the callback probes"
        ) from error
    except Exception as error:  # whatever a foreign method does, training goes on
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        warnings.warn(
            f"{METHOD}() of the environment is of no use, so maps have no names from it: {reason}",
            stacklevel=2,
        )
        return bare


def _offers(env: Any) -> bool:
    try:
        return bool(env.has_attr(METHOD))
    except Exception:  # a vector environment without objects may refuse the question
        return False
