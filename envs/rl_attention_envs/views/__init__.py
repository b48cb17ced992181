"""The ways to show an environment, by name."""

import difflib

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.views.base import View, ViewSettings
from rl_attention_envs.views.cells import CellsView
from rl_attention_envs.views.entities import EntitiesView
from rl_attention_envs.views.flat import FlatView
from rl_attention_envs.views.pixels import PixelsView

VIEWS: dict[str, type[View]] = {
    "entities": EntitiesView,
    "cells": CellsView,
    "pixels": PixelsView,
    "flat": FlatView,
}


def make_view(name: str, settings: ViewSettings) -> View:
    """Build a view by name.

    Args:
        name: A key of ``VIEWS``.
        settings: The sizes of the environment.

    Raises:
        EnvironmentConfigError: The name is unknown, or there is no room for any entity.
    """
    if name not in VIEWS:
        near = difflib.get_close_matches(name, VIEWS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise EnvironmentConfigError(f"view must be one of {', '.join(VIEWS)}, got {name!r}{hint}")
    if settings.max_entities < 1:
        raise EnvironmentConfigError(
            f"max_entities must be at least 1, got {settings.max_entities}"
        )
    return VIEWS[name](settings)
