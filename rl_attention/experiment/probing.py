"""The fixed observations of a run, and the maps that are drawn of them as it trains."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks import AttentionMapCallback
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import (
    PROBES,
    build_env,
    empty_token,
    probe_data,
    vocabulary,
)
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.files import write_json
from rl_attention.recording import ProbeSet
from rl_attention.recording.descriptions import METHOD


def make_probe_set(config: RunConfig) -> ProbeSet | None:
    """Make the probes of a run; None where it records nothing.

    Args:
        config: The run.
    """
    if not config.recording.snapshots:
        return None
    if config.env.n_frames is None:
        return ProbeSet(**probe_data(config))
    # windows have to be played: the same for every arm and seed
    env = build_env(
        config.model_copy(update={"seed": 0}), stream=PROBES, n_envs=config.recording.n_probes
    )
    try:
        last = 2 * (config.env.n_frames - 1)
        return play_windows(env, np.linspace(0, last, env.num_envs).round().astype(np.intp))
    finally:
        env.close()


def play_windows(env: VecEnv, steps: NDArray[np.intp], *, seed: int = 0) -> ProbeSet:
    """Take drawn actions, and keep one window of each environment.

    Args:
        env: Environments that show past frames, with discrete actions.
        steps: After how many steps each window is kept, `P`; one whose episode ends sooner is that
            before its end.
        seed: Of the actions.
    """
    assert isinstance(env.action_space, spaces.Discrete)
    rng = np.random.default_rng(seed)
    kept: list[tuple[dict[str, NDArray[Any]], Any]] = [({}, None)] * env.num_envs
    unfinished = np.ones(env.num_envs, bool)
    shown: Any = env.reset()
    for step in range(int(steps.max()) + 1):
        said = env.env_method(METHOD)  # at each step, so that past frames have names too
        for index in np.flatnonzero(unfinished):
            kept[index] = {key: np.array(part[index]) for key, part in shown.items()}, said[index]
        unfinished &= step < steps
        shown, _, dones, _ = env.step(rng.integers(env.action_space.n, size=env.num_envs))
        unfinished &= ~dones
    observations = {key: np.stack([row[key] for row, _ in kept]) for key in kept[0][0]}
    return ProbeSet.from_observations(observations, [answer for _, answer in kept])


def write_words_and_probes(run: RunFolder, probes: ProbeSet | None) -> None:
    """Write what tells whoever reads the run folder what its network sees.

    Args:
        run: The run folder.
        probes: Its probes, if there are any.
    """
    write_json(run.vocabulary, {"words": list(vocabulary())})
    if probes is not None:
        probes.save(run.probes)  # for the arms without attention too: maps of another kind


def make_map_callback(config: RunConfig, run: RunFolder, probes: ProbeSet) -> AttentionMapCallback:
    """Make the callback that takes the snapshots of a run.

    Args:
        config: The run.
        run: Its folder.
        probes: What to look at.
    """
    return AttentionMapCallback(
        probes,
        snapshots=config.recording.snapshots,
        folder=run.path,
        faithfulness=config.recording.faithfulness,
        empty=empty_token(config.env),
    )
