"""Fixed observations of Recall that every run and arm is asked about."""

from typing import Any

import numpy as np

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.recall.describing import describe_all
from rl_attention_envs.recall.episodes import draw_episode
from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.rules import begin
from rl_attention_envs.recall.views import make_recall_view

_SEED = 7_000_001
_STAGES = ("cue", "distractors", "question")


def make_recall_probes(
    params: RecallParams, *, view: str = "entities", n_probes: int = 6, max_entities: int = 32
) -> dict[str, Any]:
    """Make the probe observations of a Recall: a cue, distractors, a question, and so on.

    The episodes come from a seed of their own. Three probes follow each other in one episode.

    Args:
        params: The parameters.
        view: A key of ``RECALL_VIEWS``.
        n_probes: Number `P` of observations.
        max_entities: Rows of the view ``entities``.

    Returns:
        The arguments of a probe set, with a leading axis `P`: ``observations``, ``frames``,
        ``boxes``, ``types``, ``labels``, ``agent_boxes`` and ``names``.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    if n_probes < 1:
        raise EnvironmentConfigError(f"n_probes must be at least 1, got {n_probes}")
    shown = make_recall_view(view, params, max_entities)
    rng = np.random.default_rng(_SEED)
    episode, stage = np.divmod(np.arange(n_probes), len(_STAGES))
    drawn = [draw_episode(params, rng) for _ in range(episode[-1] + 1)]
    state = begin([drawn[i] for i in episode])
    # halfway between the two; without any step between them, the question again
    state.time = np.array([0, (params.distance + 1) // 2, params.distance])[stage]
    names = [f"episode {i}, {_STAGES[s]}" for i, s in zip(episode, stage, strict=True)]
    return {
        "observations": shown.encode(state),
        **describe_all(shown, state),
        "names": np.array(names),
    }
