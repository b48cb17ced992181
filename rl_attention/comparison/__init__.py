"""Reading finished runs and saying honestly how their arms compare."""

from rl_attention.comparison.aggregate import (
    aggregate_iqm,
    aggregate_mean,
    aggregate_median,
    best_of,
    bootstrap_aggregate,
    bootstrap_difference_over_tasks,
    bootstrap_improvement,
    improvement_over_tasks,
    optimality_gap,
)
from rl_attention.comparison.profiles import (
    Band,
    CensoredInterval,
    bootstrap_median_frames,
    bootstrap_profile,
    frames_to,
    performance_profile,
    share_reached,
)
from rl_attention.comparison.resampling import Interval, Scores
from rl_attention.comparison.results import RunResult, find_runs, read_run, read_runs
from rl_attention.comparison.statistics import (
    bootstrap_difference,
    bootstrap_iqm,
    iqm,
    median_with_censoring,
    probability_of_improvement,
)
from rl_attention.comparison.summary import Comparison, Row, Versus, compare

__all__ = [
    "Band",
    "CensoredInterval",
    "Comparison",
    "Interval",
    "Row",
    "RunResult",
    "Scores",
    "Versus",
    "aggregate_iqm",
    "aggregate_mean",
    "aggregate_median",
    "best_of",
    "bootstrap_aggregate",
    "bootstrap_difference",
    "bootstrap_difference_over_tasks",
    "bootstrap_improvement",
    "bootstrap_iqm",
    "bootstrap_median_frames",
    "bootstrap_profile",
    "compare",
    "find_runs",
    "frames_to",
    "improvement_over_tasks",
    "iqm",
    "median_with_censoring",
    "optimality_gap",
    "performance_profile",
    "probability_of_improvement",
    "read_run",
    "read_runs",
    "share_reached",
]
