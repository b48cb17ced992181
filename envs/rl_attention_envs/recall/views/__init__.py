"""The ways to show Recall, by name."""

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.views.base import RecallView
from rl_attention_envs.recall.views.cells import CellsView
from rl_attention_envs.recall.views.entities import EntitiesView

RECALL_VIEWS: dict[str, type[RecallView]] = {"entities": EntitiesView, "cells": CellsView}


def make_recall_view(name: str, params: RecallParams, max_entities: int = 32) -> RecallView:
    """Build a view by name.

    Args:
        name: A key of ``RECALL_VIEWS``.
        params: The parameters of the episodes.
        max_entities: Rows of the view ``entities``.

    Raises:
        EnvironmentConfigError: The name is unknown, or a step can have more things than rows.
    """
    if name not in RECALL_VIEWS:
        raise EnvironmentConfigError(
            f"view: Recall has {', '.join(RECALL_VIEWS)}, got {name!r}: choose one of them"
        )
    if max_entities < params.max_things and name == "entities":
        raise EnvironmentConfigError(
            f"max_entities: expected at least {params.max_things}, the distractors of the fullest "
            f"step, got {max_entities}: raise it"
        )
    return RECALL_VIEWS[name](params, max_entities)
