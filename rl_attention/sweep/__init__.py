"""A grid of trials, and who runs them."""

from rl_attention.sweep.executor import Executor, Outcome, Watcher
from rl_attention.sweep.local import LocalExecutor
from rl_attention.sweep.trials import Trial, expand, expand_suite

__all__ = [
    "Executor",
    "LocalExecutor",
    "Outcome",
    "Trial",
    "Watcher",
    "expand",
    "expand_suite",
]
