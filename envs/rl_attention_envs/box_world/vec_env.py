"""Box-World for Stable-Baselines3: all environments stepped together in numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvStepReturn

from rl_attention_envs.box_world.describing import FRAME_TILE, describe_one
from rl_attention_envs.box_world.generator import LevelStream
from rl_attention_envs.box_world.levels import Level, stack_levels
from rl_attention_envs.box_world.picture import draw
from rl_attention_envs.box_world.rules import State, begin, step
from rl_attention_envs.box_world.symbols import ACTIONS
from rl_attention_envs.box_world.views.base import Arrays, BoxWorldView
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.views.base import row_of
from rl_attention_envs.what_if import METHOD, REFUSAL

_DESCRIBE = "describe_entities"


class BoxWorldVecEnv(VecEnv):
    """Many rooms in this process. A finished environment begins its next level in the same step.

    Args:
        view: Shows them; it knows the parameters of the levels.
        n_envs: Number of environments.
        seed: Decides every level of every environment.
        env_id: What ``get_attr("env_id")`` says.
    """

    def __init__(
        self,
        view: BoxWorldView,
        *,
        n_envs: int = 1,
        seed: int | None = 0,
        env_id: str = "BoxWorld",
    ) -> None:
        self.view = view
        self.params = view.params
        self.env_id = env_id
        self.render_mode = "rgb_array"
        self._streams: list[LevelStream] | None = None
        self._state: State | None = None
        self._actions = np.zeros(n_envs, np.intp)
        self._steps = np.zeros(n_envs, np.int64)
        self._scale = np.float32(view.params.reward_scale)
        super().__init__(n_envs, view.observation_space, spaces.Discrete(len(ACTIONS)))
        self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Start anew with another seed at the next ``reset``.

        Args:
            seed: The seed; None takes one from the operating system.

        Returns:
            The seed of each environment.
        """
        self._seeds = list(spread_seed(seed, self.num_envs))
        self._streams = None
        return self._seeds

    def reset(self) -> Arrays:
        """Begin a new episode in every environment.

        Returns:
            Observations of the view's space, with a leading axis `B`.
        """
        if self._streams is None:
            generators = map(np.random.default_rng, self._seeds)
            self._streams = [LevelStream(self.params, generator) for generator in generators]
        firsts = [stream.next() for stream in self._streams]
        if self._state is None:
            rows = [begun.rows([row]) for _, begun, row in firsts]
            self._state = State(
                *(np.concatenate(parts) for parts in zip(*map(_arrays, rows), strict=True))
            )
        else:
            for index, (_, begun, row) in enumerate(firsts):
                self._state.put(index, begun, row)
        self._steps[:] = 0
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self.view.encode(self._state)

    def reset_to(self, levels: Sequence[Level]) -> Arrays:
        """Begin these levels; the ones that follow are drawn as ever.

        Args:
            levels: One for each environment.

        Raises:
            EnvironmentConfigError: There are more or fewer levels, or one does not fit.
        """
        if len(levels) != self.num_envs:
            raise EnvironmentConfigError(
                f"reset_to: expected {self.num_envs} levels, one for each environment, got "
                f"{len(levels)}"
            )
        begun = begin(
            stack_levels(levels, self.params.size, self.params.max_things), self.params.size
        )
        self.reset()
        self._state = begun
        return self.view.encode(begun)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions of the next step.

        Args:
            actions: One for each environment, `B`.
        """
        self._actions = np.asarray(actions).astype(np.intp)

    def step_wait(self) -> VecEnvStepReturn:
        """Step every environment, and begin the next level where one ended.

        Returns:
            Observations, rewards, dones and infos; a finished environment's info holds its last
            observation as ``terminal_observation``.
        """
        state = self._running()
        outcome = step(state, self._actions, self.params.size)
        self._steps += 1
        dones = outcome.terminated | (self._steps >= self.params.step_limit)
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
                self._begin_next(index)
        return self.view.encode(state), outcome.rewards * self._scale, dones, infos

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return a picture of the room of each environment, `H W 3`."""
        return list(draw(self._running(), self.params.size, FRAME_TILE))

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
        # every thing has a row: the view refuses to be made with too few
        known = {
            "env_id": self.env_id,
            "render_mode": self.render_mode,
            "params": self.params,
            "entity_overflow": 0,
        }
        if attr_name not in known:
            raise AttributeError(
                f"environments of Box-World have no attribute {attr_name!r}, but {', '.join(known)}"
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
            f"{attr_name!r} cannot be set inside environments of Box-World: make others instead"
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
                f"environments of Box-World have no method {method_name!r}, but {_DESCRIBE}"
            )
        if self._state is None:
            raise EnvironmentConfigError(
                "describe_entities: expected an episode that has begun: call reset first"
            )
        return [describe_one(self.view, self._state, i) for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Tell that no environment is wrapped.

        Args:
            wrapper_class: A wrapper.
            indices: Which environments; None means all.
        """
        return [False for _ in self._get_indices(indices)]

    def _begin_next(self, index: int) -> None:
        assert self._streams is not None
        _, begun, row = self._streams[index].next()
        self._running().put(index, begun, row)
        self._steps[index] = 0

    def _running(self) -> State:
        if self._state is None:
            raise RuntimeError("the environments have not begun: call reset() first")
        return self._state


def _arrays(state: State) -> tuple[NDArray[Any], ...]:
    return tuple(vars(state).values())
