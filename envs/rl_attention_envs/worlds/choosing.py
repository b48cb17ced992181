"""What is asked for of a task of our own, or a refusal in one line."""

from collections.abc import Mapping
from typing import TypeVar

from rl_attention_envs.errors import EnvironmentConfigError

P = TypeVar("P")
V = TypeVar("V")


def choose_params(world: str | P, presets: Mapping[str, P], title: str, *, n_envs: int) -> P:
    """Return the parameters of a vector environment.

    Args:
        world: An id, or parameters.
        presets: Parameters by id.
        title: What the task is called, for the message.
        n_envs: Number of environments.

    Raises:
        EnvironmentConfigError: There is no such id, or no environment.
    """
    if isinstance(world, str) and world not in presets:
        raise EnvironmentConfigError(
            f"expected the id of a {title}, got {world[:80]!r}: choose from {', '.join(presets)}"
        )
    if n_envs < 1:
        raise EnvironmentConfigError(f"n_envs must be at least 1, got {n_envs}")
    return presets[world] if isinstance(world, str) else world


def choose_view(name: str, views: Mapping[str, type[V]], title: str) -> type[V]:
    """Return the class of a view.

    Args:
        name: Its name.
        views: Classes by name.
        title: What the task is called, for the message.

    Raises:
        EnvironmentConfigError: There is no such view.
    """
    if name not in views:
        raise EnvironmentConfigError(
            f"view: {title} has {', '.join(views)}, got {name!r}: choose one of them"
        )
    return views[name]


def check_rows(max_entities: int, least: int, what: str) -> None:
    """Make sure that the view of entities has room.

    Args:
        max_entities: Its rows.
        least: How many there must be.
        what: What they are for, for the message.

    Raises:
        EnvironmentConfigError: There are too few.
    """
    if max_entities < least:
        raise EnvironmentConfigError(
            f"max_entities: expected at least {least}, {what}, got {max_entities}: raise it"
        )
