"""The ways to show Recall, by name."""

from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.views.base import RecallView
from rl_attention_envs.recall.views.cells import CellsView
from rl_attention_envs.recall.views.entities import EntitiesView
from rl_attention_envs.worlds.choosing import check_rows, choose_view

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
    chosen = choose_view(name, RECALL_VIEWS, "Recall")
    if name == "entities":
        check_rows(max_entities, params.max_things, "the distractors of the fullest step")
    return chosen(params, max_entities)
