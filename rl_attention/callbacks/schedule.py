"""At which steps to take snapshots: often while much changes, seldom later."""

from typing import Any

import numpy as np

_SPAN = 100.0


def snapshot_steps(
    total: int, count: int, *, unit: int = 1, learning_starts: int = 0
) -> tuple[int, ...]:
    """Return distinct steps, rising: 0, then logarithmically spaced ones, and the last step.

    Args:
        total: Steps of the whole training.
        count: How many are wanted; a short training has fewer moments at which weights change.
        unit: Steps between two updates of the weights.
        learning_starts: Steps before the first update.
    """
    first = min(learning_starts, total)
    updates = -(-(total - first) // unit)
    wanted = min(count - 1, updates)
    if wanted < 1:
        return (0, total) if total else (0,)
    steps = [0]
    previous = 0
    # a factor of 100 between first and last keeps the early ones from being all alike
    for place in np.geomspace(max(1.0, updates / _SPAN), updates, wanted):
        previous = max(previous + 1, round(float(place)))
        steps.append(min(first + previous * unit, total))
    steps[-1] = total
    return tuple(sorted(set(steps)))


def update_unit(model: Any) -> int:
    """Return how many environment steps lie between two updates of a model's weights.

    Args:
        model: A Stable-Baselines3 algorithm whose `learn` has begun.
    """
    frequency = getattr(model, "train_freq", None)
    # off-policy models have an `n_steps` too, but it is the length of their returns
    n_steps: Any = (
        model.n_steps if frequency is None else getattr(frequency, "frequency", frequency)
    )
    return max(1, int(n_steps) * int(model.n_envs))
