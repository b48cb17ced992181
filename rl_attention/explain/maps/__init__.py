"""Maps: one number for each entity of each state, higher where it is said to matter more."""

import importlib.util
from collections.abc import Callable, Sequence

from rl_attention.errors import UserError, suggest
from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.attention import attention_maps
from rl_attention.explain.maps.gradients import gradient_maps, integrated_gradients_maps
from rl_attention.explain.maps.norm import norm_maps
from rl_attention.explain.maps.plain import nearest_map, random_map
from rl_attention.explain.maps.rollout import rollout_maps
from rl_attention.explain.subject import Subject

__all__ = ["MAPS", "check_kinds", "compute_maps", "is_of"]

MAPS: dict[str, Callable[[Subject], dict[str, Floats]]] = {
    "attention": attention_maps,
    "rollout": rollout_maps,
    "norm": norm_maps,
    "gradient": gradient_maps,
    "integrated_gradients": integrated_gradients_maps,
    "nearest": nearest_map,
    "random": random_map,
}
"""From the name of a kind of map to its function of a subject.

Each gives named maps, `P N` with NaN on padding; none where the model or the states have none.
"""


BY_CAPTUM = ("gradient", "integrated_gradients")
"""Kinds of maps that need the extra `explain`."""


def compute_maps(subject: Subject, names: Sequence[str] | None = None) -> dict[str, Floats]:
    """Compute maps, in the order of `MAPS`.

    Args:
        subject: The model and the states.
        names: Keys of `MAPS`; None: all, without those of captum where it is not installed.

    Returns:
        The maps that there are, by name, `P N`, NaN on padding.

    Raises:
        UserError: There is no such kind of map, or captum is needed and not installed.
    """
    check_kinds(names or ())
    found: dict[str, Floats] = {}
    for name in _there_are() if names is None else [name for name in MAPS if name in names]:
        found |= MAPS[name](subject)
    return found


def check_kinds(names: Sequence[str]) -> None:
    """Refuse a kind of map that there is not, before anything is measured.

    Args:
        names: Keys of `MAPS`.

    Raises:
        UserError: There is no such kind of map.
    """
    for name in names:
        if name not in MAPS:
            raise UserError(f"maps: expected keys of MAPS, got {name!r}; {suggest(name, MAPS)}")


def is_of(name: str, kind: str) -> bool:
    """Tell whether a map is of a kind: the whole of it, or one head, such as `attention_l1h0`."""
    return name == kind or name.startswith(f"{kind}_")


def _there_are() -> list[str]:
    known = importlib.util.find_spec("captum") is not None
    return [name for name in MAPS if known or name not in BY_CAPTUM]
