"""A task of our own for Stable-Baselines3: all environments stepped together in numpy."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvStepReturn

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.views.base import row_of
from rl_attention_envs.what_if import METHOD, REFUSAL
from rl_attention_envs.worlds.rules import Outcome, StateT
from rl_attention_envs.worlds.views import Arrays, WorldView

_DESCRIBE = "describe_entities"


class WorldVecEnv(VecEnv, Generic[StateT]):
    """Many environments in this process. One that has finished begins anew in the same step.

    Args:
        view: Shows them.
        params: The task's parameters.
        step_limit: Steps after which an episode is truncated.
        n_actions: Number of actions.
        n_envs: Number of environments.
        seed: Decides every episode of every environment.
        env_id: What ``get_attr("env_id")`` says.
    """

    title: str
    """What the task is called in messages."""

    def __init__(
        self,
        view: WorldView[StateT],
        params: Any,
        *,
        step_limit: int,
        n_actions: int,
        n_envs: int,
        seed: int | None,
        env_id: str,
    ) -> None:
        self.view = view
        self.params = params
        self.env_id = env_id
        self.render_mode = "rgb_array"
        self._step_limit = step_limit
        self._state: StateT | None = None
        self._actions = np.zeros(n_envs, np.intp)
        self._steps = np.zeros(n_envs, np.int64)
        super().__init__(n_envs, view.observation_space, spaces.Discrete(n_actions))
        self.seed(seed)

    @abstractmethod
    def _restart(self, generators: list[np.random.Generator]) -> None:
        """Draw from these generators, one for each environment, from now on."""

    @abstractmethod
    def _begin_all(self) -> StateT:
        """Begin the next episode of every environment."""

    @abstractmethod
    def _begin_next(self, state: StateT, index: int) -> None:
        """Begin the next episode of one environment, in place."""

    @abstractmethod
    def _advance(self, state: StateT, actions: NDArray[np.intp]) -> Outcome:
        """Step every environment, in place."""

    @abstractmethod
    def _draw(self, state: StateT) -> NDArray[np.uint8]:
        """Draw every environment, `B H W 3`."""

    @abstractmethod
    def _describe(self, state: StateT, index: int) -> dict[str, Any]:
        """Tell what the tokens of one environment show."""

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Start anew with another seed at the next ``reset``.

        Args:
            seed: The seed; None takes one from the operating system.

        Returns:
            The seed of each environment.
        """
        self._seeds = list(spread_seed(seed, self.num_envs))
        self._reseeded = True
        return self._seeds

    def reset(self) -> Arrays:
        """Begin a new episode in every environment.

        Returns:
            Observations of the view's space, with a leading axis `B`.
        """
        if self._reseeded:
            self._restart([np.random.default_rng(seed) for seed in self._seeds])
            self._reseeded = False
        self._state = self._begin_all()
        self._steps[:] = 0
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self.view.encode(self._state)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions of the next step.

        Args:
            actions: One for each environment, `B`.
        """
        self._actions = np.asarray(actions).astype(np.intp)

    def step_wait(self) -> VecEnvStepReturn:
        """Step every environment, and begin the next episode where one ended.

        Returns:
            Observations, rewards, dones and infos; a finished environment's info holds its last
            observation as ``terminal_observation``.
        """
        state = self._running()
        outcome = self._advance(state, self._actions)
        self._steps += 1
        dones = outcome.terminated | (self._steps >= self._step_limit)
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
        finished = np.flatnonzero(dones)
        if len(finished):
            last = self.view.encode(state.rows(finished))
            for i, index in enumerate(finished.tolist()):
                infos[index] = {
                    "TimeLimit.truncated": not outcome.terminated[index],
                    "is_success": bool(outcome.success[index]),
                    "terminal_observation": row_of(last, i),
                }
                self._begin_next(state, index)
                self._steps[index] = 0
        return self.view.encode(state), outcome.rewards, dones, infos

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return a picture of each environment, `H W 3`."""
        return list(self._draw(self._running()))

    def has_attr(self, attr_name: str) -> bool:
        """Tell whether ``get_attr`` or ``env_method`` knows a name.

        Args:
            attr_name: The name.
        """
        return attr_name == _DESCRIBE or super().has_attr(attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return ``env_id``, ``render_mode``, ``params`` or ``entity_overflow`` of environments.

        Args:
            attr_name: The name; there are no other attributes.
            indices: Which environments; None means all.

        Raises:
            AttributeError: Another name was asked for.
        """
        # every thing has a row: the views refuse to be made with too few
        known = {
            "env_id": self.env_id,
            "render_mode": self.render_mode,
            "params": self.params,
            "entity_overflow": 0,
        }
        if attr_name not in known:
            raise AttributeError(
                f"environments of {self.title} have no attribute {attr_name!r}, but "
                f"{', '.join(known)}"
            )
        return [known[attr_name] for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: nothing can be set inside the environments.

        Args:
            attr_name: The name.
            value: The value.
            indices: Which environments.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            f"{attr_name!r} cannot be set inside environments of {self.title}: make others instead"
        )

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Answer ``describe_entities``.

        Args:
            method_name: The name.
            *method_args: Arguments.
            indices: Which environments; None means all.
            **method_kwargs: Keyword arguments.

        Raises:
            AttributeError: Another method was asked for.
            EnvironmentConfigError: No episode has begun, or a state is to be edited.
        """
        if method_name == METHOD:
            raise EnvironmentConfigError(f"{REFUSAL}: choose a MiniGrid or BabyAI environment")
        if method_name != _DESCRIBE:
            raise AttributeError(
                f"environments of {self.title} have no method {method_name!r}, but {_DESCRIBE}"
            )
        if self._state is None:
            raise EnvironmentConfigError(
                "describe_entities: expected an episode that has begun: call reset first"
            )
        return [self._describe(self._state, i) for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Tell that no environment is wrapped.

        Args:
            wrapper_class: A wrapper.
            indices: Which environments; None means all.
        """
        return [False for _ in self._get_indices(indices)]

    def _running(self) -> StateT:
        if self._state is None:
            raise RuntimeError("the environments have not begun: call reset() first")
        return self._state
