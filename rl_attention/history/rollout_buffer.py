"""A rollout buffer that keeps every frame once, whatever the length of the window."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples

from rl_attention.errors import UserError
from rl_attention.history.spaces import FRAMES, MASK, STEPS, nothing_of

_ONCE = (FRAMES, MASK)


class HistoryRolloutBuffer(DictRolloutBuffer):
    """Gives the minibatches of `DictRolloutBuffer`, from a `T`-th of its memory.

    For PPO, A2C and TRPO: `rollout_buffer_class=HistoryRolloutBuffer`. It keeps the frames and
    their masks once, `n_steps + T - 1` of each environment, and puts windows together when a
    minibatch is drawn.

    Args:
        buffer_size: Steps of each environment.
        observation_space: Observations of `HistoryVecEnv`.
        action_space: Actions.
        device: Where minibatches go.
        gae_lambda: See `DictRolloutBuffer`.
        gamma: See `DictRolloutBuffer`.
        n_envs: Environments.

    Raises:
        UserError: Observations are none of `HistoryVecEnv`, or frames change after they were shown.
    """

    def reset(self) -> None:
        """Forget everything."""
        missing = [key for key in (*_ONCE, STEPS) if key not in self.obs_shape]
        if missing:
            raise UserError(
                f"HistoryRolloutBuffer: expected observations of HistoryVecEnv, got none with key "
                f"{missing[0]!r}: wrap the environments, or leave rollout_buffer_class out"
            )
        shapes = self.obs_shape
        self.obs_shape = {key: shape for key, shape in shapes.items() if key not in _ONCE}
        super().reset()  # reserves room for whole windows of each key
        self.obs_shape = shapes
        self.n_frames = shapes[FRAMES][0]
        length = self.buffer_size + self.n_frames - 1
        self._rows = {
            key: np.zeros(
                (self.n_envs, length, *shapes[key][1:]), self.observation_space[key].dtype
            )
            for key in _ONCE
        }
        self._nothing = {key: nothing_of(self.observation_space[key]) for key in _ONCE}

    def add(  # type: ignore[override]
        self, obs: Mapping[str, NDArray[Any]], *rest: Any, **named: Any
    ) -> None:
        """Keep one step; see `DictRolloutBuffer`.

        Args:
            obs: Observations with a history.
            *rest: Actions, rewards, episode starts, values and log probabilities.
            **named: The same by name.

        Raises:
            UserError: A frame is not as it was when it was the newest.
        """
        newest = self.pos + self.n_frames - 1
        for key, rows in self._rows.items():
            if self.pos == 0:
                rows[:, : self.n_frames] = obs[key]
                continue
            if self.n_frames > 1:
                self._check(key, obs)
            rows[:, newest] = obs[key][:, -1]
        super().add(dict(obs), *rest, **named)

    def _check(self, key: str, obs: Mapping[str, NDArray[Any]]) -> None:
        """Refuse windows that do not go on where the last one ended."""
        known = np.asarray(obs[STEPS])[:, -2] == 1
        before = self._rows[key][:, self.pos + self.n_frames - 2]
        if not np.array_equal(obs[key][known, -2], before[known]):
            raise UserError(
                f"HistoryRolloutBuffer: expected {key!r} to show past frames as they were, got "
                "other numbers: leave the key out of norm_obs_keys of VecNormalize, or leave "
                "rollout_buffer_class out"
            )

    def _get_samples(  # type: ignore[override]
        self, batch_inds: NDArray[np.intp], env: Any = None
    ) -> DictRolloutBufferSamples:
        samples = super()._get_samples(batch_inds, env)
        windows = self._windows(batch_inds)
        observations = {
            key: windows[key] if key in windows else samples.observations[key]
            for key in self.observation_space.spaces
        }
        return samples._replace(observations=observations)

    def _windows(self, batch_inds: NDArray[np.intp]) -> dict[str, torch.Tensor]:
        """Put the windows of a minibatch together; rows are numbered environment by environment."""
        index, step = np.divmod(batch_inds, self.buffer_size)
        steps = step[:, None] + np.arange(self.n_frames)
        gone = self.observations[STEPS][batch_inds] == 0
        windows = {}
        for key, rows in self._rows.items():
            found = rows[index[:, None], steps]
            found[gone] = np.broadcast_to(self._nothing[key], found.shape)[gone]
            windows[key] = self.to_torch(found)
        return windows
