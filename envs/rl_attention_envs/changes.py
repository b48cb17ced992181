"""Changes of what an environment shows, for tests on what was never trained.

The world and its rules stay as they are; every observation is changed on its way to the agent.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.own_worlds import find_world
from rl_attention_envs.symbols import COLOURS, OBJECTS, THINGS
from rl_attention_envs.vocabulary import VOCABULARY

Arrays = dict[str, NDArray[Any]]
Change = Callable[[Arrays], Arrays]
"""From a batch of observations, arrays with a leading batch axis, to what is shown of it."""

_NEXT = np.roll(np.arange(len(COLOURS)), -1)
"""From a colour to the next one; the last becomes the first."""

_IS_THING = np.isin(OBJECTS, THINGS)


def make_shuffle(seed: int | None) -> Change:
    """Make what puts the rows of `entities` in a new order at every step, padding included.

    Args:
        seed: Decides every order; None takes one from the operating system.
    """
    rng = np.random.default_rng(seed)

    def shuffle(observation: Arrays) -> Arrays:
        mask = observation["mask"]
        order = rng.permuted(np.tile(np.arange(mask.shape[1]), (len(mask), 1)), axis=1)  # B N
        entities = np.take_along_axis(observation["entities"], order[..., None], axis=1)
        return {
            **observation,
            "entities": entities,
            "mask": np.take_along_axis(mask, order, axis=1),
        }

    return shuffle


def make_recolour(seed: int | None) -> Change:
    """Make what gives every thing the next colour of `COLOURS`, in the mission too.

    So whatever depends on a colour that was always the same in training (green goals, red lava)
    meets one it never saw there, while the task stays what it was.

    Args:
        seed: Has no effect: it is always the next colour.
    """
    words = np.arange(len(VOCABULARY))
    ids = np.array([VOCABULARY.index(colour) for colour in COLOURS])
    words[ids] = ids[_NEXT]

    def recolour(observation: Arrays) -> Arrays:
        changed = dict(observation)
        for key, values in observation.items():
            if key in ("entities", "cells", "carrying"):
                changed[key] = _recolour_cells(values)
            elif key == "mission":
                changed[key] = words[values].astype(values.dtype)
        return changed

    return recolour


def _recolour_cells(cells: NDArray[Any]) -> NDArray[Any]:
    """Recolour what begins with (type, colour); only things have a colour of their own."""
    changed = cells.copy()
    is_thing = _IS_THING[cells[..., 0]]
    changed[..., 1] = np.where(is_thing, _NEXT[cells[..., 1]], cells[..., 1])
    return changed


CHANGES: dict[str, Callable[[int | None], Change]] = {
    "shuffle": make_shuffle,
    "recolour": make_recolour,
}
"""From a name to what makes the change from a seed."""

_VIEWS = {"shuffle": ("entities",), "recolour": ("entities", "cells")}


def change_applies(change: str, env_id: str, view: str) -> bool:
    """Tell whether a change means anything for what an environment shows.

    Cells and patches have no order of their own, and letters and pixels are not recoloured. The
    colours of Box-World decide which box opens which, and those of Recall what is right.

    Args:
        change: A key of `CHANGES`.
        env_id: The environment.
        view: A key of `VIEWS`.
    """
    if change == "recolour" and find_world(env_id) is not None:
        return False
    return view in _VIEWS[change]


def check_change(change: str, env_id: str, view: str) -> None:
    """Refuse a change that is unknown or means nothing.

    Args:
        change: What was asked for.
        env_id: The environment.
        view: What it shows.

    Raises:
        EnvironmentConfigError: It is not a key of `CHANGES`, or does not apply.
    """
    if change not in CHANGES:
        raise EnvironmentConfigError(f"change must be one of {', '.join(CHANGES)}, got {change!r}")
    if not change_applies(change, env_id, view):
        raise EnvironmentConfigError(
            f"change: {change!r} means nothing for {env_id} with the view {view!r}; it goes with "
            f"the view {' or '.join(_VIEWS[change])}, and recolour not with Box-World or "
            "Recall"
        )
