"""From a run folder to what its decisions depend on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.errors import UserError
from rl_attention.experiment.environments import (
    EVALUATION,
    action_names,
    build_env,
    derive_seed,
    empty_token,
)
from rl_attention.experiment.loading import LoadedRun, load_policy
from rl_attention.experiment.normalization import normalize_alike
from rl_attention.explain import (
    Explanation,
    MeasuringOptions,
    States,
    WhatIf,
    ask_what_if,
    collect_states,
    compute_maps,
    measure,
    summarise,
)
from rl_attention.explain.explanation import ATTENTION, check_judged
from rl_attention.explain.sanity import distance_between
from rl_attention.explain.subject import Subject

_MOST_ENVS = 8


def explain_runs(
    folders: Sequence[Path],
    *,
    n_episodes: int,
    n_states: int,
    judged: str = ATTENTION,
    deterministic: bool | None = None,
    best: bool = False,
    device: str | None = None,
    options: MeasuringOptions | None = None,
) -> Explanation:
    """Explain runs of one kind, each on the states of its own episodes.

    Args:
        folders: Run folders: seeds of one arm on one task.
        n_episodes: Episodes of each run.
        n_states: States that are drawn among those of each run.
        judged: The map that the verdict is about; where the runs do not have it, none is given.
        deterministic: How episodes are played; None: as the run's evaluation says.
        best: Take the best checkpoints.
        device: Where to compute; None: as in training.
        options: What is measured, and how.

    Raises:
        UserError: A run cannot be opened, runs differ in kind, or an option does not fit.
    """
    check_judged(judged)
    _refuse_twice(folders)
    options = (options or MeasuringOptions()).checked()
    found, first, maps = [], None, []
    for folder in folders:
        with opened(folder, best=best, device=device) as loaded:
            if first is not None:
                _check_kind(first, loaded, folder)
            states = play(loaded, n_episodes=n_episodes, deterministic=deterministic)
            chosen = states.thin(n_states, np.random.default_rng(options.seed))
            known = with_empty(loaded, options)
            found.append(measure(loaded.model, chosen.probes, chosen.episodes, known))
            # all runs look at the states of the first
            first = first or loaded
            subject = found[0].subject
            common = Subject(loaded.model, subject.states, seed=options.seed)
            maps.append(compute_maps(common, [ATTENTION]).get(ATTENTION))
    between = _between(maps, found[0].subject.present)
    return summarise(found, judged=judged, between_runs=between, seed=options.seed)


def ask_run(
    folder: Path,
    *,
    edit: str,
    expected: str,
    n_episodes: int,
    n_states: int,
    deterministic: bool | None = None,
    best: bool = False,
    device: str | None = None,
    seed: int = 0,
) -> WhatIf:
    """Edit the states that a run comes to, and see whether it does what is expected.

    Args:
        folder: A run folder.
        edit: Such as `remove ball red`.
        expected: Such as `action=left` or `attention:key:down`.
        n_episodes: Episodes.
        n_states: States that are drawn among theirs.
        deterministic: How they are played; None: as the run's evaluation says.
        best: Take the best checkpoint.
        device: Where to compute; None: as in training.
        seed: Of the bootstrap.

    Raises:
        UserError: The run cannot be opened, its states cannot be edited, or nothing fits.
    """
    with opened(folder, best=best, device=device) as loaded:
        states = play(loaded, n_episodes=n_episodes, deterministic=deterministic, edit=edit)
        actions = name_actions(loaded)
        return ask_what_if(
            loaded.model,
            states,
            edit=edit,
            expected=expected,
            actions=actions,
            n_states=n_states,
            seed=seed,
        )


@contextmanager
def opened(folder: Path, *, best: bool, device: str | None) -> Iterator[LoadedRun]:
    """Open a run, and close its environment in the end.

    Meanwhile torch computes on one thread: of batches as small as these, several threads share so
    little work that they mostly wait for each other.
    """
    loaded = load_policy(folder, best=best, device=device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield loaded
    finally:
        torch.set_num_threads(threads)
        loaded.env.close()


def play(
    loaded: LoadedRun,
    *,
    n_episodes: int,
    deterministic: bool | None = None,
    edit: str | None = None,
    n_envs: int | None = None,
    seed: int | None = None,
) -> States:
    """Play episodes that the run was not trained on.

    Args:
        loaded: The run.
        n_episodes: Episodes.
        deterministic: Take the likeliest action; None: as the run's evaluation says.
        edit: Also ask what each state would be after this edit; python environments are stepped.
        n_envs: Environments; None: as many as episodes, at most eight.
        seed: Of the episodes; None: that of the run's evaluation.
    """
    config = loaded.config
    if edit is not None:
        python = config.env.model_copy(update={"backend": "gymnasium"})
        config = config.model_copy(update={"env": python})
    if seed is not None:
        config = config.model_copy(update={"seed": seed})
    count = min(n_episodes, _MOST_ENVS) if n_envs is None else n_envs
    env: VecEnv = normalize_alike(build_env(config, stream=EVALUATION, n_envs=count), loaded.env)
    sampled = derive_seed(config.seed, EVALUATION)
    set_random_seed(sampled, using_cuda=loaded.model.device.type == "cuda")
    likeliest = config.eval.deterministic if deterministic is None else deterministic
    try:
        return collect_states(
            loaded.model, env, n_episodes=n_episodes, deterministic=likeliest, edit=edit
        )
    finally:
        env.close()


def with_empty(loaded: LoadedRun, options: MeasuringOptions) -> MeasuringOptions:
    """Add what an empty place looks like, if the run's view has one."""
    empty: Any = empty_token(loaded.config.env)
    return options if empty is None else replace(options, empty=empty)


def name_actions(loaded: LoadedRun) -> list[str]:
    """Name the actions of a run's environment."""
    return action_names(loaded.config.env, int(getattr(loaded.env.action_space, "n", 0)))


def _refuse_twice(folders: Sequence[Path]) -> None:
    known: set[Path] = set()
    for folder in map(Path.resolve, folders):
        if folder in known:
            raise UserError(f"{folder}: expected different runs, got this one twice")
        known.add(folder)


def _check_kind(first: LoadedRun, other: LoadedRun, folder: Path) -> None:
    for name in ("env", "arm", "algo"):
        ours, theirs = getattr(first.config, name), getattr(other.config, name)
        if ours != theirs:
            raise UserError(
                f"{folder}: expected a run of the same {name} as the first, which only its seed "
                "tells apart; explain other runs by themselves"
            )


def _between(maps: list[Any], present: Any) -> float | None:
    """Mean distance of the attention of every two runs on the states of the first."""
    if len(maps) < 2 or maps[0] is None:
        return None
    pairs = [(a, b) for i, a in enumerate(maps) for b in maps[:i]]
    return float(np.nanmean([distance_between(a, b, present) for a, b in pairs]))
