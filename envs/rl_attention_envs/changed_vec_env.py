"""The wrapper that changes what a vector environment shows."""

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rl_attention_envs.changes import Change
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.what_if import METHOD

_OF_THE_TRUE_STATE = (METHOD, "describe_entities")
"""Methods whose answers would not fit what is shown."""


class ChangedVecEnv(VecEnvWrapper):
    """Shows a changed form of every observation; rewards and endings stay as they are.

    Args:
        venv: A vector environment with observations of several keys.
        change: What is done to each batch of them.
    """

    def __init__(self, venv: VecEnv, change: Change) -> None:
        super().__init__(venv)
        self._change = change

    def reset(self) -> VecEnvObs:
        """Begin a new episode in every environment."""
        return self._change(self.venv.reset())  # type: ignore[arg-type]

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for the step of every environment; last observations are changed too."""
        observation, rewards, dones, infos = self.venv.step_wait()
        for index in np.flatnonzero(dones):
            last = infos[index]["terminal_observation"]
            alone = self._change({key: np.asarray(value)[None] for key, value in last.items()})
            infos[index]["terminal_observation"] = {key: rows[0] for key, rows in alone.items()}
        return self._change(observation), rewards, dones, infos  # type: ignore[arg-type]

    def has_attr(self, attr_name: str) -> bool:
        """Tell whether there is an attribute; what describes or edits the true state is not.

        Args:
            attr_name: The name.
        """
        return attr_name not in _OF_THE_TRUE_STATE and super().has_attr(attr_name)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **options: Any
    ) -> list[Any]:
        """Call a method of the environments.

        Args:
            method_name: The name.
            *method_args: Its arguments.
            indices: Which environments; None means all.
            **options: Its keyword arguments.

        Raises:
            EnvironmentConfigError: A state is to be described or edited: the change, which may draw
                from a random stream, would have to be made of the answer too.
        """
        if method_name in _OF_THE_TRUE_STATE:
            raise EnvironmentConfigError(
                f"{method_name}: expected an environment that shows its state as it is, got one "
                "with a change: make it without one"
            )
        return super().env_method(method_name, *method_args, indices=indices, **options)
