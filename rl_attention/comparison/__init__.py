"""Reading finished runs and saying honestly how their arms compare."""

from rl_attention.comparison.results import RunResult, read_run, read_runs
from rl_attention.comparison.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_iqm,
    iqm,
    median_with_censoring,
    probability_of_improvement,
)
from rl_attention.comparison.summary import Comparison, Row, Versus, compare

__all__ = [
    "Comparison",
    "Interval",
    "Row",
    "RunResult",
    "Versus",
    "bootstrap_difference",
    "bootstrap_iqm",
    "compare",
    "iqm",
    "median_with_censoring",
    "probability_of_improvement",
    "read_run",
    "read_runs",
]
