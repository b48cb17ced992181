"""Advantages that are scaled to a deviation of 1, unless there is hardly anything to scale."""

import math

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_attention.errors import UserError


class AdvantageFloorCallback(BaseCallback):
    """Scale the advantages of each rollout by their deviation, or by a floor where that is larger.

    Stable-Baselines3's `normalize_advantage` divides by the deviation however small it is. As long
    as no reward is seen, what is there to scale is the critic's noise, and the policy follows it.
    Here noise far below the floor stays small, the entropy bonus keeps the policy close to chance,
    and the first reward stands out. Above the floor all is as it was, but for one mean and
    deviation a rollout in place of one a minibatch.

    It goes with `normalize_advantage=False` in any on-policy algorithm (PPO, A2C, TRPO,
    MaskablePPO, RecurrentPPO) and any rollout buffer. The deviation is logged as
    `train/advantage_std`.

    Args:
        floor: Least deviation to divide by, in units of the return.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Raises:
        UserError: `floor` is no finite number above 0. When training begins: the algorithm has no
            advantages, or scales them itself.
    """

    def __init__(self, floor: float = 0.01, *, verbose: int = 0) -> None:
        super().__init__(verbose)
        if isinstance(floor, bool) or not isinstance(floor, int | float):
            raise UserError(f"floor: expected a number above 0, got {floor!r}")
        if not (math.isfinite(floor) and floor > 0):
            raise UserError(f"floor: expected a finite number above 0, got {floor!r}")
        self.floor = float(floor)

    def _on_training_start(self) -> None:
        name = type(self.model).__name__
        if not hasattr(getattr(self.model, "rollout_buffer", None), "advantages"):
            raise UserError(
                f"advantage floor: expected an on-policy algorithm, got {name}, which has no "
                "advantages; leave the callback out"
            )
        if getattr(self.model, "normalize_advantage", False):
            raise UserError(
                f"advantage floor: {name} scales advantages itself, which would undo it; pass "
                "normalize_advantage=False"
            )

    def _on_rollout_end(self) -> None:
        advantages = self.model.rollout_buffer.advantages  # type: ignore[attr-defined]
        deviation = float(advantages.std(dtype=np.float64))
        self.logger.record("train/advantage_std", deviation)
        advantages -= advantages.mean(dtype=np.float64)
        advantages /= max(deviation, self.floor)

    def _on_step(self) -> bool:
        return True
