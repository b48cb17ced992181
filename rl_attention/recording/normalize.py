"""Between what environments give and what a policy behind `VecNormalize` takes."""

from collections.abc import Mapping
from typing import Any

from rl_attention.recording.batches import checked_batch


def find_normalizer(model: Any) -> Any | None:
    """Return the model's `VecNormalize`, or None if nothing can be undone by it.

    Other wrappers may stand around it; where they change shapes (`VecFrameStack`), its statistics
    do not fit what the policy takes.

    Args:
        model: A Stable-Baselines3 algorithm.
    """
    ask = getattr(model, "get_vec_normalize_env", None)
    found = None if ask is None else ask()
    if found is None or _shapes(found.observation_space) != _shapes(model.observation_space):
        return None
    return found


def as_seen(model: Any, observations: Any) -> Any:
    """Return raw observations as the policy takes them, by the statistics of the moment.

    Args:
        model: A Stable-Baselines3 algorithm.
        observations: A batch as the environments give it, not normalised; where `find_normalizer`
            finds none, as the policy takes it.

    Raises:
        UserError: If a key is missing, or shapes do not fit.
    """
    batch = checked_batch(observations, model.observation_space)
    normalizer = find_normalizer(model)
    return batch if normalizer is None else normalizer.normalize_obs(batch)


def _shapes(space: Any) -> Any:
    """Shapes by key; the axes of an image may come in any order."""
    parts = getattr(space, "spaces", None)
    if isinstance(parts, Mapping):
        return {key: _shapes(part) for key, part in parts.items()}
    return sorted(space.shape or ())
