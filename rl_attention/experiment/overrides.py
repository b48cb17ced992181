"""Laying one set of settings over another."""

from collections.abc import Mapping
from typing import Any

from rl_attention.experiment.hyperparams import HYPERPARAMS


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over a base, group by group.

    Hyperparameters belong to their algorithm: changes that name another algorithm start from
    its defaults, not from the base's values. The discount stays, which is a matter of the task, and
    between algorithms one of which extends the other (`ppo` and `ppo_lstm`) all that both have.

    Args:
        base: Nested settings.
        changes: Nested settings that win.
    """
    merged = dict(base)
    if "algo" in changes and changes["algo"] != base.get("algo", "ppo"):
        _leave_what_is_not_shared(merged, changes["algo"])
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def _leave_what_is_not_shared(merged: dict[str, Any], algo: Any) -> None:
    given = merged.pop("hyperparams", None)
    names = (merged.get("algo", "ppo"), algo)
    old, new = (HYPERPARAMS.get(name) if isinstance(name, str) else None for name in names)
    if not isinstance(given, Mapping) or old is None or new is None:
        return  # what is refused is refused by its own name
    shared = {"gamma"}
    if issubclass(old, new) or issubclass(new, old):
        shared |= new.model_fields.keys() & old.model_fields.keys()
    kept = {key: value for key, value in given.items() if key in shared}
    if kept:
        merged["hyperparams"] = kept


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
