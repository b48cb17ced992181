"""EnvPool's C++ MiniGrid as a Stable-Baselines3 vector environment of raw observations."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvStepReturn

from rl_attention_envs.seeding import spread_seed


class EnvPoolVecEnv(VecEnv):
    """A pool that resets a finished environment in the step that finishes it.

    EnvPool itself resets one step later, which would cost Stable-Baselines3 the last observation
    and give it a dead step; here the finished rows are reset at once and their last observations
    handed out in the infos.

    The pool is built at the first ``reset``: EnvPool can only be seeded when it is built, and an
    algorithm seeds its environment after it was made.

    Args:
        env_id: An id that EnvPool knows.
        n_envs: Number of environments.
        seed: Decides every episode of every environment.
        num_threads: Threads that step the pool; None takes one for each core, at most `n_envs`.
        pool_settings: Passed on to EnvPool, such as ``max_episode_steps``.
    """

    def __init__(
        self,
        env_id: str,
        *,
        n_envs: int = 1,
        seed: int | None = 0,
        num_threads: int | None = None,
        pool_settings: dict[str, Any] | None = None,
    ) -> None:
        import envpool

        self.env_id = env_id
        self.render_mode = "rgb_array"
        self.num_threads = num_threads or min(os.cpu_count() or 1, n_envs)
        self._pool_settings = pool_settings or {}
        self._pool: Any = None
        self._actions: NDArray[np.int32] = np.zeros(n_envs, np.int32)
        spec = envpool.make_spec(env_id)
        actions = spaces.Discrete(int(spec.gymnasium_action_space.n))
        super().__init__(n_envs, _plain_spaces(spec.gymnasium_observation_space), actions)
        self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Start anew with another seed at the next ``reset``.

        Args:
            seed: The seed; None takes one from the operating system.

        Returns:
            The seed of each environment.
        """
        self._seeds = list(spread_seed(seed, self.num_envs))
        self._close_pool()
        return self._seeds

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin a new episode in every environment.

        Returns:
            Raw observations `B ...` under ``image``, ``direction`` and ``mission``.
        """
        if self._pool is None:
            self._pool = self._make_pool()
        observation, info = self._pool.reset()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return _in_order(observation, info["env_id"])

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions of the next step.

        Args:
            actions: One for each environment, `B`.
        """
        self._actions = np.asarray(actions, dtype=np.int32)

    def step_wait(self) -> VecEnvStepReturn:
        """Step every environment, and reset those that finished.

        Returns:
            Observations, rewards, dones and infos.
        """
        pool = self._running()
        observation, rewards, terminated, truncated, info = pool.step(self._actions)
        # EnvPool reports a success in the very last step allowed as truncated alone
        terminated = terminated | (truncated & (rewards != 0))
        order = info["env_id"]
        observation = _in_order(observation, order)
        rewards, terminated, truncated = (
            _scattered(values, order) for values in (rewards, terminated, truncated)
        )
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
        finished = np.flatnonzero(dones)
        if len(finished):
            for index in finished:
                infos[index] = {
                    "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
                    "is_success": bool(terminated[index] and rewards[index] > 0),
                    "terminal_observation": {k: v[index].copy() for k, v in observation.items()},
                }
            fresh, info = pool.reset(finished.astype(np.int32))
            for key, values in fresh.items():
                observation[key][info["env_id"]] = values
        return observation, rewards, dones, infos

    def close(self) -> None:
        """Give the pool's threads back."""
        self._close_pool()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return a picture of the whole grid of each environment, `H W 3`."""
        return list(self._running().render(env_ids=np.arange(self.num_envs, dtype=np.int32)))

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return ``env_id`` or ``render_mode`` of the environments.

        Args:
            attr_name: The name; the C++ environments have no other attributes.
            indices: Which environments; None means all.

        Raises:
            AttributeError: Another name was asked for.
        """
        if attr_name not in ("env_id", "render_mode"):
            raise AttributeError(
                f"environments of EnvPool have no attribute {attr_name!r}; use backend 'gymnasium'"
            )
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: nothing can be set inside EnvPool's environments.

        Args:
            attr_name: The name.
            value: The value.
            indices: Which environments.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            f"{attr_name!r} cannot be set inside environments of EnvPool; use backend 'gymnasium'"
        )

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Refuse: EnvPool's environments have no methods to call.

        Args:
            method_name: The name.
            *method_args: Arguments.
            indices: Which environments.
            **method_kwargs: Keyword arguments.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            f"environments of EnvPool have no method {method_name!r}; use backend 'gymnasium'"
        )

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Tell that no environment is wrapped.

        Args:
            wrapper_class: A wrapper.
            indices: Which environments; None means all.
        """
        return [False for _ in self._get_indices(indices)]

    def debug_states(self) -> list[Any]:
        """Return EnvPool's own description of the full state of each environment."""
        states: list[Any] = self._running().debug_states()
        return states

    def _running(self) -> Any:
        if self._pool is None:
            raise RuntimeError("the environments have not begun: call reset() first")
        return self._pool

    def _make_pool(self) -> Any:
        import envpool

        return envpool.make_gymnasium(
            self.env_id,
            num_envs=self.num_envs,
            num_threads=self.num_threads,
            seed=self._seeds,
            render_mode=self.render_mode,
            **self._pool_settings,
        )

    def _close_pool(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def _plain_spaces(space: spaces.Dict) -> spaces.Dict:
    """Rebuild the spaces in the order and types of the other backend."""
    return spaces.Dict(
        {
            "image": spaces.Box(0, 255, space["image"].shape, np.uint8),
            "direction": spaces.Discrete(4),
            "mission": spaces.Box(0, 255, space["mission"].shape, np.uint8),
        }
    )


def _scattered(values: NDArray[Any], order: NDArray[np.int32]) -> NDArray[Any]:
    """Copy rows to the places that ``order`` names: EnvPool owns what it hands out."""
    placed = np.empty_like(values)
    placed[order] = values
    return placed


def _in_order(
    observation: dict[str, NDArray[Any]], order: NDArray[np.int32]
) -> dict[str, NDArray[Any]]:
    return {key: _scattered(values, order) for key, values in observation.items()}
