"""Recall as one plain Gymnasium environment."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.recall.describing import describe_one
from rl_attention_envs.recall.episodes import draw_episode
from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.picture import draw
from rl_attention_envs.recall.rules import State, begin, step
from rl_attention_envs.recall.views import make_recall_view
from rl_attention_envs.views.base import Observation, row_of
from rl_attention_envs.worlds.describing import FRAME_TILE


class RecallEnv(gymnasium.Env[Observation, Any]):
    """One Recall: it plays what the vector environment plays from an equal generator.

    Args:
        view: A key of ``RECALL_VIEWS``.
        max_entities: Rows of the view ``entities``.
        render_mode: ``rgb_array`` or None.
        **params: Fields of ``RecallParams``.

    Raises:
        EnvironmentConfigError: A parameter is out of its bounds, or the view cannot be had.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012  gymnasium's form

    def __init__(
        self,
        view: str = "entities",
        max_entities: int = 32,
        render_mode: str | None = None,
        **params: Any,
    ) -> None:
        self.params = RecallParams(**params)
        self.view = make_recall_view(view, self.params, max_entities)
        self.observation_space: spaces.Space[Any] = self.view.observation_space
        self.action_space: spaces.Space[Any] = spaces.Discrete(self.params.n_colours)
        self.render_mode = render_mode
        self._state: State | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Restarts the random stream; None goes on with it.
            options: Ignored.

        Returns:
            The first observation and an empty info.
        """
        super().reset(seed=seed)
        self._state = begin([draw_episode(self.params, self.np_random)])
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: The answer.

        Returns:
            Observation, reward, terminated, truncated (never) and an info that holds
            ``is_success`` in the last step of an episode.
        """
        outcome = step(self._running(), np.array([int(action)]))
        terminated = bool(outcome.terminated[0])
        info = {"is_success": bool(outcome.success[0])} if terminated else {}
        return self._observe(), float(outcome.rewards[0]), terminated, False, info

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture of what is in sight, `H W 3`; None without a ``render_mode``."""
        if self.render_mode is None:
            return None
        picture: NDArray[np.uint8] = draw(self._running(), FRAME_TILE)[0]
        return picture

    def describe_entities(self) -> dict[str, Any]:
        """Tell what the tokens of the last observation show, for whoever draws them.

        Returns:
            ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3` and ``agent_box`` `4`.

        Raises:
            EnvironmentConfigError: No episode has begun.
        """
        return describe_one(self.view, self._running(), 0)

    def _observe(self) -> Observation:
        return row_of(self.view.encode(self._running()), 0)

    def _running(self) -> State:
        if self._state is None:
            raise EnvironmentConfigError(
                "Recall: expected an episode that has begun: call reset first"
            )
        return self._state
