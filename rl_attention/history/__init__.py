"""Observations with a history: the last frames of an episode, what was done and what came of it."""

from rl_attention.history.rollout_buffer import HistoryRolloutBuffer
from rl_attention.history.vec_env import HistoryVecEnv

__all__ = ["HistoryRolloutBuffer", "HistoryVecEnv"]
