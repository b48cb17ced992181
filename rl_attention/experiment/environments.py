"""The one place that imports `rl_attention_envs`: environments for a run, and their probes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import rl_attention_envs
from rl_attention.errors import UserError
from rl_attention.experiment.config import EnvConfig, RunConfig
from rl_attention_envs.bot import TaughtEnvs, check_bot
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.views.entities import COLUMNS

if TYPE_CHECKING:
    from gymnasium import spaces
    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env import VecEnv

TRAINING, EVALUATION = 0, 1
"""Streams of seeds: evaluation never sees the episodes of training."""

HELD_OUT, MIXING, FITTING = 3, 4, 5
"""Streams of an imitation: other episodes again, who takes a step, and the order of labels."""

PROBES = 6
"""Stream of probes that have to be played."""

JUDGING = 7
"""Stream of an imitation: held-out episodes in which the learner acts too."""

_TAUGHT = 16
"""Environments with a bot: enough for a batch, few enough that each plays whole episodes."""


@contextmanager
def environment_errors() -> Iterator[None]:
    """Turn the environments' complaints about a setting into the user's."""
    try:
        yield
    except EnvironmentConfigError as error:
        raise UserError(str(error)) from None


def derive_seed(seed: int, stream: int) -> int:
    """Give each use of a run's seed its own, as the same number everywhere.

    Args:
        seed: The run's seed.
        stream: `TRAINING`, `EVALUATION` or another.
    """
    state = np.random.SeedSequence([seed, stream]).generate_state(1)
    return int(state[0] >> 1)  # the C++ environments take 31 bits


def check_env(env: EnvConfig) -> str:
    """Check that the environment is there and can be run, and say by whom.

    Args:
        env: The environment's settings.

    Returns:
        One line: the backend, and why that one.

    Raises:
        UserError: There is no such environment, or its backend is not installed.
    """
    with environment_errors():
        rl_attention_envs.check_environment(env.id)
        choice = rl_attention_envs.choose_backend(env.id, env.backend, env.agent_view_size)
    return f"{choice.name}: {choice.reason}"


def backend_name(env: EnvConfig) -> str:
    """Return who steps the environments."""
    with environment_errors():
        choice = rl_attention_envs.choose_backend(env.id, env.backend, env.agent_view_size)
        return str(choice.name)


def build_env(
    config: RunConfig,
    *,
    stream: int = TRAINING,
    n_envs: int | None = None,
    threads: int | None = None,
    change: str | None = None,
) -> "VecEnv":
    """Make the vector environment of a run, as yet without normalisation.

    Args:
        config: The run.
        stream: `TRAINING` or `EVALUATION`.
        n_envs: How many; by default as the config says.
        threads: CPU threads, where the config leaves them open.
        change: A change of what it shows, as in a test on what was never trained.

    Raises:
        UserError: The environment cannot be made from these settings.
    """
    env = config.env
    with environment_errors():
        made = rl_attention_envs.make_vec_env(
            env.id,
            view=env.view,
            n_envs=env.n_envs if n_envs is None else n_envs,
            seed=derive_seed(config.seed, stream),
            backend=env.backend,
            vec_env=env.vec_env,
            num_threads=config.num_threads or threads,
            max_entities=env.max_entities,
            agent_view_size=env.agent_view_size,
            change=change,
        )
    return _with_history(env, made)


def _with_history(env: EnvConfig, made: "VecEnv") -> "VecEnv":
    """Let environments show past frames, if the settings say so."""
    if env.n_frames is None:
        return made

    from rl_attention.history import HistoryVecEnv

    return HistoryVecEnv(made, env.n_frames)


def check_teacher(env: EnvConfig) -> None:
    """Check that there is a bot to learn from in an environment.

    Args:
        env: The environment's settings.

    Raises:
        UserError: There is none.
    """
    with environment_errors():
        check_bot(env.id)


def build_taught_envs(config: RunConfig, *, stream: int) -> TaughtEnvs:
    """Make environments with a bot beside each, which show what `build_env` shows.

    Args:
        config: The run.
        stream: `TRAINING`, `HELD_OUT` or `JUDGING`.

    Raises:
        UserError: There is no bot for the environment, or it cannot be made.
    """
    env = config.env
    with environment_errors():
        return TaughtEnvs(
            env.id,
            view=env.view,
            n_envs=_TAUGHT,
            seed=derive_seed(config.seed, stream),
            max_entities=env.max_entities,
        )


def observation_space(env: EnvConfig) -> "spaces.Space[Any]":
    """Return what a view shows, by making one environment.

    Args:
        env: The environment's settings.

    Raises:
        UserError: The environment cannot be made from these settings.
    """
    with environment_errors():
        made = rl_attention_envs.make_vec_env(
            env.id,
            view=env.view,
            backend=env.backend,
            max_entities=env.max_entities,
            agent_view_size=env.agent_view_size,
        )
    made.close()
    return _with_history(env, made).observation_space


def change_applies(env: EnvConfig, change: str) -> bool:
    """Tell whether a change means anything for what an environment shows.

    Args:
        env: The environment's settings.
        change: Its name.
    """
    return bool(rl_attention_envs.change_applies(change, env.id, env.view))


def probe_data(config: RunConfig) -> dict[str, Any]:
    """Make the fixed observations of an environment: the same for every arm and seed.

    Args:
        config: The run.

    Raises:
        UserError: There are no probes for these settings.
    """
    env = config.env
    with environment_errors():
        return dict(
            rl_attention_envs.make_probes(
                env.id,
                view=env.view,
                n_probes=config.recording.n_probes,
                max_entities=env.max_entities,
                agent_view_size=env.agent_view_size,
            )
        )


def place_columns(env: EnvConfig) -> tuple[int, ...] | None:
    """Say which columns of a view's entities hold coordinates; None where there are no such rows.

    Args:
        env: The environment's settings.
    """
    if env.view != "entities" or env.n_frames is not None:  # the place of a past row is its step
        return None
    return tuple(COLUMNS.index(name) for name in ("right", "forward"))


def empty_token(env: EnvConfig) -> "NDArray[Any] | None":
    """Give the numbers of an empty place in a view; None where there is no such place.

    Args:
        env: The environment's settings.
    """
    with environment_errors():
        found: NDArray[Any] | None = rl_attention_envs.empty_token(env.id, env.view)
        return found


def action_names(env: EnvConfig, count: int) -> list[str]:
    """Name the actions of an environment.

    Args:
        env: The environment's settings.
        count: How many it has.
    """
    return list(rl_attention_envs.action_names(env.id, count))


def vocabulary() -> Sequence[str]:
    """Return the words of missions in their fixed order; the index is the word's number."""
    return rl_attention_envs.VOCABULARY


def list_environments() -> list[Any]:
    """List every environment and who can step it."""
    return list(rl_attention_envs.list_environments())
