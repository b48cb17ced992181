"""Recall for Stable-Baselines3: all environments stepped together in numpy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.recall.describing import describe_one
from rl_attention_envs.recall.episodes import Episode, draw_episode
from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.picture import draw
from rl_attention_envs.recall.rules import State, begin, step
from rl_attention_envs.recall.views.base import RecallView
from rl_attention_envs.worlds.describing import FRAME_TILE
from rl_attention_envs.worlds.rules import Outcome
from rl_attention_envs.worlds.vec_env import WorldVecEnv


class RecallVecEnv(WorldVecEnv[State]):
    """Many Recalls in this process. One that was answered begins anew in the same step.

    Args:
        view: Shows them; it knows the parameters of the episodes.
        n_envs: Number of environments.
        seed: Decides every episode of every environment.
        env_id: What ``get_attr("env_id")`` says.
    """

    title = "Recall"
    params: RecallParams

    def __init__(
        self, view: RecallView, *, n_envs: int = 1, seed: int | None = 0, env_id: str = "Recall"
    ) -> None:
        super().__init__(
            view,
            view.params,
            step_limit=view.params.length,
            n_actions=view.params.n_colours,
            n_envs=n_envs,
            seed=seed,
            env_id=env_id,
        )

    def _restart(self, generators: list[np.random.Generator]) -> None:
        self._generators = generators

    def _begin_all(self) -> State:
        return begin([self._next(index) for index in range(self.num_envs)])

    def _begin_next(self, state: State, index: int) -> None:
        state.put(index, self._next(index))

    def _next(self, index: int) -> Episode:
        return draw_episode(self.params, self._generators[index])

    def _advance(self, state: State, actions: NDArray[np.intp]) -> Outcome:
        return step(state, actions)

    def _draw(self, state: State) -> NDArray[np.uint8]:
        return draw(state, FRAME_TILE)

    def _describe(self, state: State, index: int) -> dict[str, Any]:
        assert isinstance(self.view, RecallView)
        return describe_one(self.view, state, index)
