"""The wrapper that shows the last frames of a set of entities instead of the newest alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rl_attention.errors import UserError
from rl_attention.history.actions import NONE, encode_actions
from rl_attention.history.descriptions import Descriptions
from rl_attention.history.spaces import (
    ACTIONS,
    FRAMES,
    MASK,
    REWARDS,
    STEPS,
    find_source,
    history_space,
)
from rl_attention.history.window import Arrays, Window
from rl_attention.recording.descriptions import METHOD

_EDIT = "edit_entities"


class HistoryVecEnv(VecEnvWrapper):
    """Shows the last `T` frames of the episode, with the actions and rewards between them.

    The set and its mask give way to five keys: `frames` (`T N F`, oldest first), `frames_mask` (`T
    N`), `frames_steps` (`T`: 1 is a step of this episode, which may hold no entity),
    `frames_actions` (`T`: the action that led to the frame plus 1, 0 for none; `T A` for a Box) and
    `frames_rewards` (`T`: what came with the frame). Nothing from before the episode's start is in
    any of them. All other keys are passed on: those of now.

    A terminal observation is the window that ends with the last frame of its episode. What was once
    shown never changes. `VecNormalize` belongs around this wrapper, not into it, and its
    `norm_obs_keys` must name none of the five keys.

    Args:
        venv: Any vector environment whose observations are a set of entities, or a `Dict` with one.
        n_frames: `T`; 1 shows the newest frame alone, with its action and reward.
        key: The key of the set, a Box `N F`.
        mask_key: The key that says which rows are real; None: `<key>_mask` or `mask`, if there is
            one.
        presence_column: Column that is 1 in rows that are real and 0 in padding, where no key says
            so; None of both: all rows are real.

    Raises:
        UserError: There is no such set, `n_frames` is below 1, actions are neither Discrete nor
            a Box, or `venv` is a single environment.
    """

    def __init__(
        self,
        venv: VecEnv,
        n_frames: int,
        key: str = "entities",
        mask_key: str | None = None,
        presence_column: int | None = None,
    ) -> None:
        if not isinstance(venv, VecEnv):
            raise UserError(
                f"HistoryVecEnv: expected a vector environment, got {type(venv).__name__}: make "
                "one by stable_baselines3.common.env_util.make_vec_env"
            )
        whole = isinstance(n_frames, int | np.integer) and not isinstance(n_frames, bool)
        if not whole or n_frames < 1:
            raise UserError(f"n_frames: expected a whole number of at least 1, got {n_frames!r}")
        self.source = find_source(venv.observation_space, key, mask_key, presence_column)
        space = history_space(self.source, venv.action_space, int(n_frames))
        super().__init__(venv, observation_space=space)
        self.n_frames = int(n_frames)
        n_rows = self.source.space.shape[0]
        self._window = Window(space, venv.num_envs)
        self._descriptions = Descriptions(venv.num_envs, self.n_frames, n_rows)
        self._actions: NDArray[Any] = np.zeros(0)

    def reset(self) -> VecEnvObs:
        """Begin an episode in every environment.

        Returns:
            Observations with a history of one frame.
        """
        observations = self.venv.reset()
        self.reset_infos = self.venv.reset_infos
        self._window.begin(self._first(observations))
        self._descriptions.slide()
        return self._whole(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Begin a step.

        Args:
            actions: One an environment.
        """
        self._actions = encode_actions(actions, self.action_space)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for the step of every environment.

        Returns:
            Observations, rewards, dones and infos; a finished environment's info holds the last
            window of its episode as `terminal_observation`.
        """
        observations, rewards, dones, infos = self.venv.step_wait()
        finished = np.flatnonzero(dones)
        for index in finished.tolist():
            last = infos[index].get("terminal_observation")
            if last is not None:
                came = self._actions[index], rewards[index]
                window = self._window.ending(index, self._newest(last, *came))
                infos[index]["terminal_observation"] = self.source.beside(last) | window
        newest = self._newest(observations, self._actions, rewards)
        begun = self._first(observations)
        for key in (ACTIONS, REWARDS):
            newest[key] = np.array(newest[key])
            newest[key][finished] = begun[key][finished]
        self._window.slide(newest, finished)
        self._descriptions.slide()
        return self._whole(observations), rewards, dones, infos

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **options: Any
    ) -> list[Any]:
        """Call a method of the environments.

        `describe_entities` is answered for all frames of the window of which it has been asked, and
        `edit_entities` with a window whose newest frame is edited.

        Args:
            method_name: The name.
            *method_args: Its arguments.
            indices: Which environments; None means all.
            **options: Its keyword arguments.
        """
        answers = self.venv.env_method(method_name, *method_args, indices=indices, **options)
        if method_name not in (METHOD, _EDIT):
            return answers
        say = self._told if method_name == METHOD else self._edited
        chosen = self._get_indices(indices)
        return [say(index, answer) for index, answer in zip(chosen, answers, strict=True)]

    def _told(self, index: int, answer: Any) -> Any:
        return self._descriptions.tell(index, answer, self._window.shown)

    def _edited(self, index: int, answer: Any) -> Any:
        if answer is None:
            return None
        edited = answer["observation"]
        window = self._window.instead(index, self._entities(edited))
        said = self._descriptions.imagine(index, answer["description"], self._window.shown)
        return {**answer, "observation": self.source.beside(edited) | window, "description": said}

    def _first(self, observations: Any) -> Arrays:
        """Show frames that nothing led to."""
        nothing = {
            key: np.full_like(self._window.shown[key][:, -1], NONE) for key in (ACTIONS, REWARDS)
        }
        return self._newest(observations, nothing[ACTIONS], nothing[REWARDS])

    def _newest(self, observations: Any, actions: Any, rewards: Any) -> Arrays:
        entities = self._entities(observations)
        return {**entities, ACTIONS: actions, REWARDS: rewards}

    def _entities(self, observations: Any) -> Arrays:
        rows = self.source.rows(observations)
        steps = np.ones(rows.shape[:-2], np.int8)
        return {FRAMES: rows, MASK: self.source.real(observations, rows), STEPS: steps}

    def _whole(self, observations: Any) -> VecEnvObs:
        return self.source.beside(observations) | self._window.shown
