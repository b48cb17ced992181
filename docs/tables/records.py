"""The committed result files, read."""

from pathlib import Path

from rl_attention.comparison import find_runs, read_runs
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.suite import SuiteSummary, summarise_suite
from rl_attention.sweep.records import with_defaults

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
BASELINES = {"memory": "lstm"}
"""The arm that others are held against, where that is not the MLP."""


def read_suite(name: str, *, baseline: str | None = None) -> SuiteSummary:
    """Summarise the small result files of a suite."""
    return summarise_suite(read_records(name), baseline=baseline or BASELINES.get(name))


def read_records(name: str) -> list[RunResult]:
    """Read the small result files of a suite."""
    return [with_defaults(run) for run in read_runs(find_runs([RESULTS / name]))]
