"""Python MiniGrid, one environment at a time or one process each: the reference backend."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from rl_attention_envs.edits import Edit
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.raw import (
    MISSION_BYTES,
    RawObservation,
    clean_reset,
    is_success,
    raw_observation,
)
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.what_if import observe_edited


class RawMiniGrid(gymnasium.Env[RawObservation, Any]):
    """A MiniGrid environment whose mission comes as bytes of fixed size.

    Args:
        env_id: An id that minigrid registers.
        settings: Passed on to the environment, such as ``max_steps``.

    Raises:
        EnvironmentConfigError: The environment cannot be built.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  gymnasium declares it so

    def __init__(self, env_id: str, settings: dict[str, Any] | None = None) -> None:
        import minigrid  # noqa: F401  importing it registers its ids, in a worker process too

        import rl_attention_envs.memory_cue  # noqa: F401  and this ours

        self.env_id = env_id
        self.render_mode = "rgb_array"
        with warnings.catch_warnings():
            # an id of an earlier version is still a benchmark that people compare on
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", message=".*out of date.*")
            made = gymnasium.make(
                env_id, disable_env_checker=True, render_mode="rgb_array", **(settings or {})
            )
        self.grid_env = cast(Any, made.unwrapped)
        image: spaces.Box = self.grid_env.observation_space["image"]
        self.observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 255, image.shape, np.uint8),
                "direction": spaces.Discrete(4),
                "mission": spaces.Box(0, 255, (MISSION_BYTES,), np.uint8),
            }
        )
        self.action_space: spaces.Space[Any] = spaces.Discrete(int(self.grid_env.action_space.n))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[RawObservation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Restarts the random stream; None goes on with it.
            options: Ignored.

        Returns:
            The first observation and an empty info.

        Raises:
            EnvironmentConfigError: MiniGrid cannot make the grid.
        """
        with clean_reset(self.env_id):
            self.grid_env.reset(seed=seed)
        # BabyAI's Carrying levels hand over the object after they have made their observation
        return self.observe(), {}

    def step(self, action: int) -> tuple[RawObservation, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: Index of the action.

        Returns:
            Observation, reward, terminated, truncated and an info that holds ``is_success`` in the
            last step of an episode.
        """
        observation, reward, terminated, truncated, _ = self.grid_env.step(action)
        done = terminated or truncated
        info = {"is_success": is_success(terminated=terminated, reward=reward)} if done else {}
        return raw_observation(observation), float(reward), bool(terminated), bool(truncated), info

    def observe(self) -> RawObservation:
        """Return the observation of the state as it is now."""
        return raw_observation(self.grid_env.gen_obs())

    def observe_edited(self, edit: Edit) -> RawObservation | None:
        """Return the observation of the state as it would be after an edit; it stays as it is.

        Args:
            edit: The edit.

        Returns:
            The raw observation; None where the edit changes nothing.
        """
        return observe_edited(self.grid_env, edit)

    def render(self) -> NDArray[np.uint8]:
        """Return a picture of the whole grid, `H W 3`."""
        picture: NDArray[np.uint8] = self.grid_env.render()
        return picture

    def close(self) -> None:
        """Free what the environment holds."""
        self.grid_env.close()


class _SpreadSeeds(VecEnv):
    """Seeds the copies as EnvPool's are seeded, whoever calls ``seed``."""

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        self._seeds = list(spread_seed(seed, self.num_envs))
        return self._seeds


class DummyMiniGrid(_SpreadSeeds, DummyVecEnv):
    """All environments in this process, one after the other."""


class SubprocMiniGrid(_SpreadSeeds, SubprocVecEnv):
    """One process for each environment."""

    def reset(self) -> VecEnvObs:
        """Begin a new episode in every environment.

        Raises:
            EnvironmentConfigError: A worker process has died.
        """
        with _worker_death():
            return super().reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for the step of every environment.

        Raises:
            EnvironmentConfigError: A worker process has died.
        """
        with _worker_death():
            return super().step_wait()


_VEC_ENVS: dict[str, Callable[[list[Callable[[], gymnasium.Env[Any, Any]]]], VecEnv]] = {
    "dummy": DummyMiniGrid,
    "subproc": SubprocMiniGrid,
}


def make_gymnasium_vec_env(
    env_id: str,
    *,
    n_envs: int = 1,
    seed: int | None = 0,
    vec_env: str = "dummy",
    settings: dict[str, Any] | None = None,
) -> VecEnv:
    """Build a vector environment of raw observations on python MiniGrid.

    Args:
        env_id: An id that minigrid registers.
        n_envs: Number of environments.
        seed: Decides every episode of every environment.
        vec_env: ``dummy`` or ``subproc``.
        settings: Passed on to every environment, such as ``max_steps``.

    Raises:
        EnvironmentConfigError: The environment cannot be run.
    """
    first = RawMiniGrid(env_id, settings)
    # what cannot run must say so here, not as a broken pipe from a worker process
    first.reset(seed=0)
    first.close()
    venv = _VEC_ENVS[vec_env]([partial(RawMiniGrid, env_id, settings)] * n_envs)
    venv.seed(seed)
    return venv


@contextlib.contextmanager
def _worker_death() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise EnvironmentConfigError(
            "a worker process of the Gymnasium backend has died; its own error stands above. "
            "Use vec_env 'dummy' to have it raised here"
        ) from error
