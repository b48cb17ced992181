"""Timing complete training: rollouts and updates."""

import time

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.measure import seconds

_NEVER = 10**9
_TURN_SECONDS = 2.0
_MOST_ROLLOUTS = 4


class RolloutClock(BaseCallback):
    """Adds up the seconds that rollouts take."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._began = 0.0

    def _on_rollout_start(self) -> None:
        self._began = time.perf_counter()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.seconds += time.perf_counter() - self._began


class Trainee:
    """A model that is trained on and on, and says how fast.

    Args:
        model: Any model of Stable-Baselines3.
        frames: Frames of one rollout.
    """

    def __init__(self, model: BaseAlgorithm, *, frames: int) -> None:
        self.model = model
        self.frames = frames
        self.rollouts = 1
        self.rollout_shares: list[float] = []

    def warm_up(self) -> None:
        """Train for one rollout, and choose how many are timed together: a fast arm does more."""
        took = seconds(self.train_one_rollout)
        self.rollouts = min(max(round(_TURN_SECONDS / took), 1), _MOST_ROLLOUTS)

    def train_one_rollout(self) -> None:
        """Train on for one rollout and its update."""
        self._learn(self.frames, RolloutClock())

    def frames_per_second(self) -> float:
        """Train on and give the frames a second, rollouts and updates together."""
        clock = RolloutClock()
        frames = self.rollouts * self.frames
        took = seconds(lambda: self._learn(frames, clock))
        self.rollout_shares.append(clock.seconds / took)
        return frames / took

    def close(self) -> None:
        """End the environments."""
        env = self.model.get_env()
        if env is not None:
            env.close()

    def _learn(self, frames: int, clock: RolloutClock) -> None:
        self.model.learn(frames, callback=clock, reset_num_timesteps=False, log_interval=_NEVER)
