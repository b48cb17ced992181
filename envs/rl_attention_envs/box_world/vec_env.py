"""Box-World for Stable-Baselines3: all environments stepped together in numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.box_world.describing import describe_one
from rl_attention_envs.box_world.generator import LevelStream
from rl_attention_envs.box_world.levels import Level, stack_levels
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.picture import draw
from rl_attention_envs.box_world.rules import State, begin, step
from rl_attention_envs.box_world.symbols import ACTIONS
from rl_attention_envs.box_world.views.base import BoxWorldView
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.worlds.describing import FRAME_TILE
from rl_attention_envs.worlds.rules import Outcome
from rl_attention_envs.worlds.vec_env import WorldVecEnv
from rl_attention_envs.worlds.views import Arrays


class BoxWorldVecEnv(WorldVecEnv[State]):
    """Many rooms in this process. A finished environment begins its next level in the same step.

    Args:
        view: Shows them; it knows the parameters of the levels.
        n_envs: Number of environments.
        seed: Decides every level of every environment.
        env_id: What ``get_attr("env_id")`` says.
    """

    title = "Box-World"
    params: BoxWorldParams

    def __init__(
        self,
        view: BoxWorldView,
        *,
        n_envs: int = 1,
        seed: int | None = 0,
        env_id: str = "BoxWorld",
    ) -> None:
        self._scale = np.float32(view.params.reward_scale)
        super().__init__(
            view,
            view.params,
            step_limit=view.params.step_limit,
            n_actions=len(ACTIONS),
            n_envs=n_envs,
            seed=seed,
            env_id=env_id,
        )

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

    def _restart(self, generators: list[np.random.Generator]) -> None:
        self._streams = [LevelStream(self.params, generator) for generator in generators]

    def _begin_all(self) -> State:
        firsts = [stream.next() for stream in self._streams]
        rows = [begun.rows([row]) for _, begun, row in firsts]
        return State(*(np.concatenate(parts) for parts in zip(*map(_arrays, rows), strict=True)))

    def _begin_next(self, state: State, index: int) -> None:
        _, begun, row = self._streams[index].next()
        state.put(index, begun, row)

    def _advance(self, state: State, actions: NDArray[np.intp]) -> Outcome:
        outcome = step(state, actions, self.params.size)
        return outcome._replace(rewards=outcome.rewards * self._scale)

    def _draw(self, state: State) -> NDArray[np.uint8]:
        return draw(state, self.params.size, FRAME_TILE)

    def _describe(self, state: State, index: int) -> dict[str, Any]:
        assert isinstance(self.view, BoxWorldView)
        return describe_one(self.view, state, index)


def _arrays(state: State) -> tuple[NDArray[Any], ...]:
    return tuple(vars(state).values())
