"""The view of one environment, for whoever makes environments by Gymnasium: RL Zoo, SB3's own."""

from typing import Any, cast

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from rl_attention_envs.edits import parse_edit
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.probes import describe, show_edited
from rl_attention_envs.raw import RawObservation, clean_reset, is_success, raw_observation
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import Observation, ViewSettings, encode_one, row_of
from rl_attention_envs.vocabulary import mission_bounds
from rl_attention_envs.what_if import NOT_BEGUN, observe_edited


class ViewObservation(gymnasium.Wrapper[Observation, Any, Any, Any], RecordConstructorArgs):
    """Shows a MiniGrid or BabyAI environment through a view.

    It shows what ``make_vec_env`` shows of the same state. An episode's last info has
    ``is_success``; ``entity_overflow`` counts the things that found no room in that observation.
    Other wrappers that change observations or rewards go around this one, not into it.

    Args:
        env: An environment that minigrid registers, or one derived from its ``MiniGridEnv``.
        view: A key of ``VIEWS``.
        max_entities: Rows of the view ``entities``.

    Raises:
        EnvironmentConfigError: It is no MiniGrid, another wrapper changes its observations, or the
            view cannot be had.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        view: str = "entities",
        max_entities: int = 32,
    ) -> None:
        _check_own_observation(env)
        RecordConstructorArgs.__init__(self, view=view, max_entities=max_entities)
        super().__init__(env)
        self._grid_env = cast(Any, env.unwrapped)
        spec = self._grid_env.spec
        self._env_id = type(self._grid_env).__name__ if spec is None else spec.id
        bounds = mission_bounds(self._env_id)
        size = self._grid_env.observation_space["image"].shape[0]
        self.view = make_view(view, ViewSettings(bounds.words, bounds.letters, size, max_entities))
        self.observation_space = self.view.observation_space
        self._last: RawObservation | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Restarts the random stream; None goes on with it.
            options: Passed on.

        Returns:
            The first observation and the environment's info.

        Raises:
            EnvironmentConfigError: MiniGrid cannot make the grid.
        """
        with clean_reset(self._env_id):
            _, info = self.env.reset(seed=seed, options=options)
        # BabyAI's Carrying levels hand over the object after they have made their observation
        return self._show(self._grid_env.gen_obs(), info), info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: Index of the action.

        Returns:
            Observation, reward, terminated, truncated and info.
        """
        observation, reward, terminated, truncated, info = self.env.step(action)
        if terminated or truncated:
            info["is_success"] = is_success(terminated=terminated, reward=float(reward))
        return self._show(observation, info), float(reward), terminated, truncated, info

    def describe_entities(self) -> dict[str, Any]:
        """Tell what the tokens of the last observation show, for whoever draws them.

        Returns:
            ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3`, ``agent_box`` `4`,
            ``mission`` and ``words``.

        Raises:
            EnvironmentConfigError: No episode has begun.
        """
        if self._last is None:
            raise EnvironmentConfigError(
                "describe_entities: expected an episode that has begun: call reset first"
            )
        return describe(self.view, self._last)

    def edit_entities(self, edit: str) -> dict[str, Any] | None:
        """Show the state as it would be after an edit; the environment stays as it is.

        Args:
            edit: What ``parse_edit`` reads, such as ``remove red ball``.

        Returns:
            ``observation`` and ``description``, what ``describe_entities`` would say of it; None
            where the edit changes nothing.

        Raises:
            EnvironmentConfigError: No episode has begun, or the edit cannot be read.
        """
        if self._last is None:
            raise EnvironmentConfigError(NOT_BEGUN)
        return show_edited(self.view, observe_edited(self._grid_env, parse_edit(edit)))

    def _show(self, observation: Any, info: dict[str, Any]) -> Observation:
        """Encode a batch of one."""
        self._last = raw_observation(observation)
        shown, dropped = encode_one(self.view, self._last)
        if dropped is not None and dropped[0]:
            info["entity_overflow"] = int(dropped[0])
        return row_of(shown, 0)


def _check_own_observation(env: gymnasium.Env[Any, Any]) -> None:
    """Refuse what does not show MiniGrid's own observation."""
    from minigrid.minigrid_env import MiniGridEnv

    if not isinstance(env.unwrapped, MiniGridEnv):
        raise EnvironmentConfigError(
            "ViewObservation: expected a MiniGrid or BabyAI environment, got "
            f"{type(env.unwrapped).__name__}: leave the wrapper out, or choose such an environment"
        )
    inner = env
    while isinstance(inner, gymnasium.Wrapper):
        if isinstance(inner, gymnasium.ObservationWrapper | ViewObservation):
            raise EnvironmentConfigError(
                "ViewObservation: expected MiniGrid's own observation, got that of "
                f"{type(inner).__name__}: take that wrapper out, or list it after ViewObservation"
            )
        inner = inner.env
