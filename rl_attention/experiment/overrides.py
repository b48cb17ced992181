"""Laying one set of settings over another."""

from collections.abc import Mapping
from typing import Any

from rl_attention.experiment.hyperparams import HYPERPARAMS


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over a base, group by group.

    Hyperparameters belong to their algorithm: changes that name another algorithm start from
    its defaults, not from the base's values. One that has all of the base's algorithm and more
    (`ppo_lstm` of `ppo`) keeps what the base says.

    Args:
        base: Nested settings.
        changes: Nested settings that win.
    """
    merged = dict(base)
    if "algo" in changes and not _extends(changes["algo"], base.get("algo", "ppo")):
        merged.pop("hyperparams", None)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def _extends(algo: Any, base: Any) -> bool:
    own, others = (
        HYPERPARAMS.get(name) if isinstance(name, str) else None for name in (algo, base)
    )
    return algo == base or (own is not None and others is not None and issubclass(own, others))


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turn `{'env.id': 'X'}` into `{'env': {'id': 'X'}}`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, leaf = path.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    return nested


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn `{'env': {'id': 'X'}}` into `{'env.id': 'X'}`."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat
