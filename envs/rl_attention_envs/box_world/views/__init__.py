"""The ways to show Box-World, by name."""

from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.box_world.views.cells import CellsView
from rl_attention_envs.box_world.views.entities import EntitiesView
from rl_attention_envs.box_world.views.pixels import PixelsView
from rl_attention_envs.worlds.choosing import check_rows, choose_view

BOX_WORLD_VIEWS: dict[str, type[BoxWorldView]] = {
    "entities": EntitiesView,
    "cells": CellsView,
    "pixels": PixelsView,
}


def make_box_world_view(name: str, params: BoxWorldParams, max_entities: int = 32) -> BoxWorldView:
    """Build a view by name.

    Args:
        name: A key of ``BOX_WORLD_VIEWS``.
        params: The parameters of the levels.
        max_entities: Rows of the view ``entities``.

    Raises:
        EnvironmentConfigError: The name is unknown, or a level can have more things than rows.
    """
    chosen = choose_view(name, BOX_WORLD_VIEWS, "Box-World")
    if name == "entities":
        check_rows(max_entities, params.max_things, "the boxes and the key of the largest level")
    return chosen(params, max_entities)
