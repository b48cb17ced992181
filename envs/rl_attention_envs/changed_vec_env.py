"""The wrapper that changes what a vector environment shows."""

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from rl_attention_envs.changes import Change


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
