"""One environment's arms side by side, and what may be said of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from rl_attention.comparison.results import RunResult
from rl_attention.comparison.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_iqm,
    bootstrap_probability,
    iqm,
    median_with_censoring,
    probability_of_improvement,
)
from rl_attention.comparison.streams import stream
from rl_attention.errors import UserError

Metric = Literal["success_rate", "mean_reward"]

ENOUGH_SEEDS = 5


@dataclass(frozen=True)
class Row:
    """One arm.

    Args:
        arm: Its name.
        seeds: The seeds that finished.
        success_rate: Mean over seeds.
        mean_reward: Mean over seeds.
        frames_to_90: Median over seeds; None where most never got there.
        n_reached: Seeds that got there.
        iqm: Interquartile mean of the metric.
        iqm_interval: Its 95 % interval; None for a single seed.
        probability_of_improvement: Chance to beat the baseline; None for the baseline itself.
        parameters: Trainable numbers of the policy.
        fps: Training frames a second, mean over seeds.
    """

    arm: str
    seeds: list[int]
    success_rate: float
    mean_reward: float
    frames_to_90: float | None
    n_reached: int
    iqm: float
    iqm_interval: Interval | None
    probability_of_improvement: float | None
    parameters: int
    fps: float


@dataclass(frozen=True)
class Versus:
    """One arm against the baseline.

    Args:
        arm: Its name.
        baseline: The other's.
        difference: Of the interquartile means.
        interval: Its 95 % interval; None where an arm has a single seed.
        probability_interval: 95 % interval of the probability of improvement, likewise.
        verdict: What may be said.
    """

    arm: str
    baseline: str
    difference: float
    interval: Interval | None
    probability_interval: Interval | None
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """A whole table.

    Args:
        env: Environment id.
        metric: What the interquartile means are of.
        baseline: The arm that the others are held against.
        rows: One for each arm, in the order given.
        versus: One for each arm but the baseline.
        warnings: What a reader should know.
    """

    env: str
    metric: str
    baseline: str
    rows: list[Row]
    versus: list[Versus]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def compare(
    runs: Sequence[RunResult],
    *,
    baseline: str | None = None,
    metric: Metric = "success_rate",
) -> Comparison:
    """Hold the arms of one environment against each other; the same runs give the same numbers.

    Args:
        runs: Finished runs of one environment.
        baseline: The arm to compare with; by default the last.
        metric: What the interquartile means are of.

    Raises:
        UserError: There is no run, there are several environments, or no such arm.
    """
    arms = _group(runs)
    names = list(arms)
    reference = names[-1] if baseline is None else baseline
    if reference not in arms:
        raise UserError(f"baseline: expected one of {', '.join(names)}, got {reference!r}")
    scores = {arm: [float(getattr(run, metric)) for run in arms[arm]] for arm in names}
    return Comparison(
        env=runs[0].env,
        metric=metric,
        baseline=reference,
        rows=[_row(arm, arms[arm], scores, reference, metric) for arm in names],
        versus=[
            _versus(arm, scores[arm], reference, scores[reference], (runs[0].task, metric))
            for arm in names
            if arm != reference
        ],
        warnings=_warnings(arms),
    )


def _group(runs: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    if not runs:
        raise UserError("compare: expected at least one finished run, got none")
    envs = sorted({run.env for run in runs})
    if len(envs) > 1:
        raise UserError(f"compare: expected runs of one environment, got {', '.join(envs)}")
    arms: dict[str, list[RunResult]] = {}
    for run in runs:
        arms.setdefault(run.arm, []).append(run)
    return arms


def _row(
    arm: str,
    runs: list[RunResult],
    scores: dict[str, list[float]],
    baseline: str,
    metric: Metric,
) -> Row:
    frames = [run.frames_to_90 for run in runs]
    chance = probability_of_improvement(scores[arm], scores[baseline])
    return Row(
        arm=arm,
        seeds=[run.seed for run in runs],
        success_rate=float(np.mean([run.success_rate for run in runs])),
        mean_reward=float(np.mean([run.mean_reward for run in runs])),
        frames_to_90=median_with_censoring(frames),
        n_reached=sum(value is not None for value in frames),
        iqm=iqm(scores[arm]),
        iqm_interval=bootstrap_iqm(scores[arm], stream(metric, runs[0].task, arm)),
        probability_of_improvement=None if arm == baseline else chance,
        parameters=runs[0].parameters,
        fps=float(np.mean([run.fps for run in runs])),
    )


def _versus(
    arm: str,
    scores: list[float],
    baseline: str,
    baseline_scores: list[float],
    names: tuple[str, ...],
) -> Versus:
    rng = stream("difference", *names, arm, baseline)
    interval = bootstrap_difference(scores, baseline_scores, rng)
    return Versus(
        arm=arm,
        baseline=baseline,
        difference=iqm(scores) - iqm(baseline_scores),
        interval=interval,
        probability_interval=bootstrap_probability(
            scores, baseline_scores, stream("improvement", *names, arm, baseline)
        ),
        verdict=judge(arm, baseline, interval),
    )


def judge(arm: str, baseline: str, interval: Interval | None) -> str:
    """Say what the interval of a difference allows, a win and a loss in the same words.

    Args:
        arm: The arm whose score comes first in the difference.
        baseline: The other.
        interval: Interval of the difference; None if there is none.
    """
    if interval is None or interval.low <= 0 <= interval.high:
        return "no difference shown"
    return f"{arm if interval.low > 0 else baseline} is better"


def _warnings(arms: dict[str, list[RunResult]]) -> list[str]:
    warnings = []
    fewest = min(len(runs) for runs in arms.values())
    if fewest < ENOUGH_SEEDS:
        seeds = "1 seed" if fewest == 1 else f"{fewest} seeds"
        warnings.append(
            f"only {seeds} in an arm: under {ENOUGH_SEEDS}, bootstrap intervals are too narrow"
        )
    if len({tuple(sorted(run.seed for run in runs)) for runs in arms.values()}) > 1:
        warnings.append("the arms did not run the same seeds")
    everything = [run for runs in arms.values() for run in runs]
    if len({run.n_timesteps for run in everything}) > 1:
        warnings.append("the runs were not trained for the same number of frames")
    if len({run.n_eval_episodes for run in everything}) > 1:
        warnings.append("the runs were not evaluated on the same number of episodes")
    dropped = sum(run.entity_overflow for run in everything)
    if dropped:
        warnings.append(f"{dropped:,} entities did not fit in training; raise env.max_entities")
    return warnings
