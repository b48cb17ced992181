"""The one call that explains a model of somebody else's code."""

from typing import Any

import numpy as np

from rl_attention.explain.explanation import ATTENTION, Explanation, check_judged, summarise
from rl_attention.explain.measuring import MeasuringOptions, measure
from rl_attention.explain.states import States, collect_states

N_STATES = 200
"""States that are asked about, drawn among those of all episodes."""


def explain(
    model: Any,
    env: Any | None = None,
    *,
    states: States | None = None,
    n_episodes: int = 20,
    n_states: int = N_STATES,
    deterministic: bool = True,
    judged: str = ATTENTION,
    options: MeasuringOptions | None = None,
) -> Explanation:
    """Tell what the decisions of a model depend on, and whether its attention says so.

    Args:
        model: Any Stable-Baselines3 or sb3-contrib algorithm whose observations hold entities,
            cells, patches or past frames; with an extractor that attends or without.
        env: A vector environment as the model was trained on; None: the model's own.
        states: States to ask about; None: those of `n_episodes` episodes in `env`.
        n_episodes: Episodes that are played.
        n_states: States that are drawn among them.
        deterministic: Take the likeliest action while playing.
        judged: The map that the verdict is about; where the model does not have it, none is given.
        options: What is measured, and how.

    Raises:
        UserError: The model, the environment or an option does not fit.
    """
    check_judged(judged)
    options = options or MeasuringOptions()
    if states is None:
        world = model.get_env() if env is None else env
        states = collect_states(model, world, n_episodes=n_episodes, deterministic=deterministic)
    chosen = states.thin(n_states, np.random.default_rng(options.seed))
    found = measure(model, chosen.probes, chosen.episodes, options)
    return summarise([found], judged=judged, seed=options.seed)
