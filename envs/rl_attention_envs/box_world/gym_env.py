"""Box-World as one plain Gymnasium environment, played by the reference of the rules."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention_envs.box_world.describing import describe_one
from rl_attention_envs.box_world.game import Game
from rl_attention_envs.box_world.generator import LevelStream, check_room
from rl_attention_envs.box_world.levels import Level, stack_levels
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.picture import draw
from rl_attention_envs.box_world.rules import State, begin
from rl_attention_envs.box_world.symbols import ACTIONS
from rl_attention_envs.box_world.views import make_box_world_view
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.views.base import Observation, row_of
from rl_attention_envs.worlds.describing import FRAME_TILE


class BoxWorldEnv(gymnasium.Env[Observation, Any]):
    """One room. ``reset(options={"level": level})`` begins a level that was written down.

    Args:
        view: A key of ``BOX_WORLD_VIEWS``.
        max_entities: Rows of the view ``entities``.
        render_mode: ``rgb_array`` or None.
        **params: Fields of ``BoxWorldParams``.

    Raises:
        EnvironmentConfigError: The parameters make no level, or the view cannot be had.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012  gymnasium's form

    def __init__(
        self,
        view: str = "entities",
        max_entities: int = 32,
        render_mode: str | None = None,
        **params: Any,
    ) -> None:
        self.params = BoxWorldParams(**params)
        self.view = make_box_world_view(view, self.params, max_entities)
        check_room(self.params)
        self.observation_space: spaces.Space[Any] = self.view.observation_space
        self.action_space: spaces.Space[Any] = spaces.Discrete(len(ACTIONS))
        self.render_mode = render_mode
        self._stream: LevelStream | None = None
        self._game: Game | None = None
        self._begun: State
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Restarts the random stream; None goes on with it.
            options: ``level``: a ``Level`` to begin instead of the next one drawn.

        Returns:
            The first observation and an empty info.

        Raises:
            EnvironmentConfigError: The level does not fit into the room.
        """
        super().reset(seed=seed)
        if seed is not None or self._stream is None:
            self._stream = LevelStream(self.params, self.np_random)
        level = self._next_level(self._stream, options or {})
        self._game, self._steps = Game(level, self.params.size), 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: Index into ``ACTIONS``.

        Returns:
            Observation, reward, terminated, truncated and an info that holds ``is_success`` in the
            last step of an episode.
        """
        reward, terminated, success = self._running().step(int(action))
        self._steps += 1
        truncated = not terminated and self._steps >= self.params.step_limit
        info = {"is_success": success} if terminated or truncated else {}
        return self._observe(), reward * self.params.reward_scale, terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture of the room, `H W 3`; None without a ``render_mode``."""
        if self.render_mode is None:
            return None
        state = self._running().state(self._begun)
        picture: NDArray[np.uint8] = draw(state, self.params.size, FRAME_TILE)[0]
        return picture

    def describe_entities(self) -> dict[str, Any]:
        """Tell what the tokens of the last observation show, for whoever draws them.

        Returns:
            ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3` and ``agent_box`` `4`.

        Raises:
            EnvironmentConfigError: No episode has begun.
        """
        return describe_one(self.view, self._running().state(self._begun), 0)

    def _next_level(self, stream: LevelStream, options: dict[str, Any]) -> Level:
        if options.get("level") is not None:
            given: Level = options["level"]
            stacked = stack_levels([given], self.params.size, self.params.max_things)
            self._begun = begin(stacked, self.params.size)
            return given
        levels, begun, row = stream.next()
        self._begun = begun.rows([row])
        return levels.level(row, self.params.size)

    def _observe(self) -> Observation:
        return row_of(self.view.encode(self._running().state(self._begun)), 0)

    def _running(self) -> Game:
        if self._game is None:
            raise EnvironmentConfigError(
                "Box-World: expected an episode that has begun: call reset first"
            )
        return self._game
