"""A grid of trials, and who runs them."""

from rl_attention.sweep.local import Outcome, run_trials
from rl_attention.sweep.trials import Trial, expand

__all__ = ["Outcome", "Trial", "expand", "run_trials"]
