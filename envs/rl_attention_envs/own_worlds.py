"""The tasks of our own, Box-World and Recall: what the doors of this package ask of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rl_attention_envs import box_world, recall
from rl_attention_envs.box_world.presets import FAMILY as BOX_WORLD
from rl_attention_envs.box_world.views import make_box_world_view
from rl_attention_envs.recall.presets import FAMILY as RECALL
from rl_attention_envs.recall.views import make_recall_view
from rl_attention_envs.worlds.views import WorldView


@dataclass(frozen=True)
class World:
    """A task of our own.

    Attributes:
        title: What it is called in messages.
        presets: Its parameters by id.
        make_vec_env: Makes a vector environment from an id; options as ``make_box_world_vec_env``.
        make_probes: Makes probes from parameters; options as ``make_box_world_probes``.
        make_view: Makes a view from its name and parameters.
        action_names: Names the actions of parameters.
    """

    title: str
    presets: Mapping[str, Any]
    make_vec_env: Callable[..., Any]
    make_probes: Callable[..., dict[str, Any]]
    make_view: Callable[[str, Any], WorldView[Any]]
    action_names: Callable[[Any], list[str]]


WORLDS: dict[str, World] = {
    BOX_WORLD: World(
        title="Box-World",
        presets=box_world.PRESETS,
        make_vec_env=box_world.make_box_world_vec_env,
        make_probes=box_world.make_box_world_probes,
        make_view=make_box_world_view,
        action_names=lambda params: list(box_world.ACTIONS),
    ),
    RECALL: World(
        title="Recall",
        presets=recall.PRESETS,
        make_vec_env=recall.make_recall_vec_env,
        make_probes=recall.make_recall_probes,
        make_view=make_recall_view,
        action_names=lambda params: recall.action_names(params.n_colours),
    ),
}
"""By the family that begins their ids."""


def find_world(env_id: str) -> World | None:
    """Return the task that an id belongs to; None: it is a MiniGrid.

    Args:
        env_id: Any id.
    """
    world = WORLDS.get(env_id.partition("-")[0])
    return world if world is not None and env_id in world.presets else None


def own_ids() -> list[str]:
    """Return the ids of all tasks of our own."""
    return [env_id for world in WORLDS.values() for env_id in world.presets]
