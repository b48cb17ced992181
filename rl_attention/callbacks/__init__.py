"""Callbacks for Stable-Baselines3: attention over training, progress, curves, success."""

from rl_attention.callbacks.advantage_floor import AdvantageFloorCallback
from rl_attention.callbacks.attention_entropy import AttentionEntropyCallback
from rl_attention.callbacks.attention_maps import AttentionMapCallback
from rl_attention.callbacks.metrics_log import MetricsLogCallback
from rl_attention.callbacks.progress import ProgressCallback
from rl_attention.callbacks.resume import ResumeCallback
from rl_attention.callbacks.success_threshold import SuccessThresholdCallback

__all__ = [
    "AdvantageFloorCallback",
    "AttentionEntropyCallback",
    "AttentionMapCallback",
    "MetricsLogCallback",
    "ProgressCallback",
    "ResumeCallback",
    "SuccessThresholdCallback",
]
