"""How many frames it takes to succeed nine times out of ten."""

from collections import deque
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_attention.errors import UserError

_CURVE_POINTS = 200
_LEAST_EPISODES = 2


class SuccessThresholdCallback(BaseCallback):
    """Note the first step at which the last episodes succeed often enough.

    Only quick episodes have ended at first, and quick ones are mostly successes. So nothing counts
    before every environment has finished two episodes, and the window holds at least two episodes
    for each environment.

    Args:
        threshold: Share of successes to reach, above 0 and at most 1.
        window: Episodes to look back on; raised to two for each environment.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Attributes:
        reached_at: Frames (environment steps, all environments together) at which the threshold
            was first reached, or None.
        episodes: Finished episodes.
        success_rate: Share of successes in the window; None before anything counts.

    Raises:
        UserError: If `threshold` or `window` is out of range; in training, if an episode ends
            without `info["is_success"]`.
    """

    def __init__(self, *, threshold: float = 0.9, window: int = 100, verbose: int = 0) -> None:
        super().__init__(verbose)
        if not 0 < threshold <= 1:
            raise UserError(f"threshold must lie above 0 and at most at 1, got {threshold}")
        if window < 1:
            raise UserError(f"window must be at least 1 episode, got {window}")
        self.threshold = threshold
        self.window = window
        self.reached_at: int | None = None
        self.episodes = 0
        self.success_rate: float | None = None
        self._recent: deque[bool] = deque(maxlen=window)
        self._finished: list[int] = []
        self._points: list[tuple[int, float]] = []
        self._stride = 1
        self._since = 0
        self._latest_step = 0

    @property
    def curve(self) -> list[tuple[int, float]]:
        """Step and share of successes in the window, at most 200 points, the latest included."""
        if self.success_rate is None or self._points[-1][0] == self._latest_step:
            return list(self._points)
        return [*self._points, (self._latest_step, self.success_rate)]

    def state(self) -> dict[str, Any]:
        """Return all that was counted so far, as plain JSON values."""
        return {
            "reached_at": self.reached_at,
            "episodes": self.episodes,
            "success_rate": self.success_rate,
            "recent": list(self._recent),
            "finished": list(self._finished),
            "points": [list(point) for point in self._points],
            "stride": self._stride,
            "since": self._since,
            "latest_step": self._latest_step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Args:
            state: The counts.
        """
        self.reached_at = state["reached_at"]
        self.episodes = state["episodes"]
        self.success_rate = state["success_rate"]
        self._finished = list(state["finished"])
        self._recent = deque(state["recent"], maxlen=self._span(len(self._finished)))
        self._points = [(int(step), float(rate)) for step, rate in state["points"]]
        self._stride = state["stride"]
        self._since = state["since"]
        self._latest_step = state["latest_step"]

    def restarted(self) -> None:
        """Look at new episodes alone, as at the beginning: the quick ones end first."""
        self._finished = [0] * len(self._finished)
        self._recent.clear()

    def _on_training_start(self) -> None:
        n_envs = self.training_env.num_envs
        if len(self._finished) != n_envs:
            self._finished = [0] * n_envs
        self._recent = deque(self._recent, maxlen=self._span(n_envs))

    def _on_step(self) -> bool:
        dones = self.locals["dones"]
        if np.any(dones):
            for index in np.flatnonzero(dones):
                self._finish(int(index), self.locals["infos"][index])
            self._judge()
        return True

    def _span(self, n_envs: int) -> int:
        return max(self.window, _LEAST_EPISODES * n_envs)

    def _finish(self, index: int, info: dict[str, Any]) -> None:
        if "is_success" not in info:
            raise UserError(
                "an episode ended without info['is_success'], so successes cannot be counted: "
                "let the environment set it on the last step of an episode"
            )
        self.episodes += 1
        self._finished[index] += 1
        self._recent.append(bool(info["is_success"]))

    def _judge(self) -> None:
        if min(self._finished) < _LEAST_EPISODES:
            return
        self._latest_step = self.num_timesteps
        self.success_rate = sum(self._recent) / len(self._recent)
        full = len(self._recent) == self._recent.maxlen
        if self.reached_at is None and full and self.success_rate >= self.threshold:
            self.reached_at = self.num_timesteps
        self._add_point()

    def _add_point(self) -> None:
        """Keep every n-th point, and twice as few whenever there are too many."""
        assert self.success_rate is not None
        if self._since % self._stride == 0:
            self._points.append((self._latest_step, self.success_rate))
        self._since += 1
        if len(self._points) >= _CURVE_POINTS:
            self._points = self._points[::2]
            self._stride *= 2
