"""The one call that explains a model of somebody else's code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rl_attention.errors import UserError
from rl_attention.explain.acting import check_askable
from rl_attention.explain.explanation import ATTENTION, Explanation, check_judged, summarise
from rl_attention.explain.measuring import MeasuringOptions, measure
from rl_attention.explain.states import States, collect_states, find_wrapper

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
    check_askable(model)
    options = (options or MeasuringOptions()).checked()
    if states is None:
        world = model.get_env() if env is None else env
        _check_normalizer(model, world)
        with _undisturbed(model, world):
            states = collect_states(
                model, world, n_episodes=n_episodes, deterministic=deterministic
            )
    chosen = states.thin(n_states, np.random.default_rng(options.seed))
    found = measure(model, chosen.probes, chosen.episodes, options)
    return summarise([found], judged=judged, seed=options.seed)


def _check_normalizer(model: Any, env: Any) -> None:
    """Refuse an environment by whose statistics the model would not be asked."""
    of_env, of_model = find_wrapper(env), find_wrapper(model.get_env())
    if of_env is not None and of_model is None:
        raise UserError(
            "expected a model that knows the VecNormalize of the environment: load it with "
            "`load(path, env)`, or call `set_env`"
        )


@contextmanager
def _undisturbed(model: Any, env: Any) -> Iterator[None]:
    """Keep the running means as they are, and let a later `learn` begin new episodes."""
    normalizer = find_wrapper(env)
    training = None if normalizer is None else normalizer.training
    if normalizer is not None:
        normalizer.training = False
    try:
        yield
    finally:
        if normalizer is not None:
            normalizer.training = training
        if env is model.get_env():
            model._last_obs = None
