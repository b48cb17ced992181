"""Laying one set of settings over another."""

from collections.abc import Mapping
from typing import Any


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over a base, group by group.

    Hyperparameters belong to their algorithm: changes that name another algorithm start from
    its defaults, not from the base's values.

    Args:
        base: Nested settings.
        changes: Nested settings that win.
    """
    merged = dict(base)
    if "algo" in changes and changes["algo"] != base.get("algo", "ppo"):
        merged.pop("hyperparams", None)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


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
