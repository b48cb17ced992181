"""One arm on one task: what its seeds reached, how soon, at what cost, and what carries over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_attention.comparison.aggregate import aggregate_mean, bootstrap_aggregate
from rl_attention.comparison.profiles import (
    CensoredInterval,
    bootstrap_median_frames,
    frames_to,
    share_reached,
)
from rl_attention.comparison.resampling import Interval
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.statistics import bootstrap_iqm, iqm, median_with_censoring
from rl_attention.comparison.streams import stream
from rl_attention.zero_shot_result import ZeroShotResult

_MS = 1000


@dataclass(frozen=True)
class Estimate:
    """A statistic over seeds.

    Args:
        value: The statistic.
        interval: Its percentile bootstrap interval; None for a single seed.
    """

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Reach:
    """How soon the seeds reached a threshold; one that never did counts as later than any.

    Args:
        median: Median over seeds; None where it falls among those that never got there.
        interval: Percentile bootstrap interval of the median; None for a single seed.
        n_reached: Seeds that got there.
        share: Their share.
    """

    median: float | None
    interval: CensoredInterval | None
    n_reached: int
    share: float


@dataclass(frozen=True)
class ZeroShot:
    """What came of one test on what was never trained.

    Args:
        seeds: The seeds that took it.
        success_rate: Mean over them.
        mean_reward: Mean over them.
        gap: Trained success minus success in the test, within each seed; the mean over seeds.
    """

    seeds: list[int]
    success_rate: Estimate
    mean_reward: Estimate
    gap: Estimate


@dataclass(frozen=True)
class ArmSummary:
    """One arm on one task.

    Args:
        arm: Its name.
        kind: Which extractor it has; see `kind_of`.
        seeds: The seeds that finished.
        frames: Frames asked for, each number once.
        success_mean: Mean success rate over seeds.
        success_iqm: Interquartile mean of the success rate.
        mean_reward: Mean over seeds of the mean return.
        reward_std: Sample standard deviation of that over seeds; None for a single seed.
        episode_std: Standard deviation of the episodes' returns, mean over seeds.
        frames_to_90: Frames until 90 % success in training, which each run has written down.
        frames_to_95: Frames at the first point of the stored curve with at least 95 % success.
        seconds_to_95: The same frames over the run's training frames a second.
        parameters: Trainable numbers of the policy.
        fps: Training frames a second, mean over seeds.
        operations: Floating-point operations of one decision, mean over seeds; None where a run
            did not count them.
        zero_shot: Test to its outcome; None where it means nothing for what the arm sees.
    """

    arm: str
    kind: str
    seeds: list[int]
    frames: list[int]
    success_mean: float
    success_iqm: Estimate
    mean_reward: Estimate
    reward_std: float | None
    episode_std: float
    frames_to_90: Reach
    frames_to_95: Reach
    seconds_to_95: Reach
    parameters: int
    fps: float
    operations: float | None
    zero_shot: dict[str, ZeroShot | None]


def kind_of(run: RunResult) -> str:
    """Return which extractor a run's arm has.

    Args:
        run: The run; one of an older version has no settings, and its arm's name says it.
    """
    kind = run.settings.get("arm")
    return kind if isinstance(kind, str) else run.arm


def view_of(run: RunResult) -> str:
    """Return what a run's arm sees, empty where it is not known.

    Args:
        run: The run.
    """
    env = run.settings.get("env")
    view = env.get("view") if isinstance(env, dict) else None
    return view if isinstance(view, str) else ""


def summarise_arm(runs: Sequence[RunResult]) -> ArmSummary:
    """Summarise the seeds of one arm on one task.

    Args:
        runs: At least one run, all of the same task and arm, in the order of their seeds.
    """
    first = runs[0]
    names = (first.task, first.arm)
    success = [run.success_rate for run in runs]
    rewards = [run.mean_reward for run in runs]
    to_95 = [frames_to_95(run) for run in runs]
    return ArmSummary(
        arm=first.arm,
        kind=kind_of(first),
        seeds=[run.seed for run in runs],
        frames=sorted({run.n_timesteps for run in runs}),
        success_mean=float(np.mean(success)),
        success_iqm=Estimate(iqm(success), bootstrap_iqm(success, stream("success_rate", *names))),
        mean_reward=_mean(rewards, "return", *names),
        reward_std=float(np.std(rewards, ddof=1)) if len(runs) > 1 else None,
        episode_std=float(np.mean([run.std_reward for run in runs])),
        frames_to_90=_reach([run.frames_to_90 for run in runs], "90", *names),
        frames_to_95=_reach(to_95, "95", *names),
        seconds_to_95=_reach_seconds(runs, to_95, *names),
        parameters=first.parameters,
        fps=float(np.mean([run.fps for run in runs])),
        operations=_mean_operations(runs),
        zero_shot=_zero_shot(runs),
    )


def frames_to_95(run: RunResult) -> int | None:
    """Return the frames at the first stored point with at least 95 % success; None: never.

    Curves are thinned, so that it may be late by one two-hundredth of the training. A run without
    a curve ended too few episodes to have a success rate, and counts as never there.

    Args:
        run: The run.
    """
    curve = [(int(frames), rate) for frames, rate in run.curve]
    return frames_to(curve, 0.95) if curve else None


def _mean(values: Sequence[float], *names: str) -> Estimate:
    scores = {"": np.array(values, dtype=np.float64)}
    interval = bootstrap_aggregate(scores, aggregate_mean, stream(*names))
    return Estimate(aggregate_mean(scores), interval)


def _reach(frames: Sequence[int | None], *names: str) -> Reach:
    return Reach(
        median=median_with_censoring(frames),
        interval=bootstrap_median_frames(frames, stream("reach", *names)),
        n_reached=sum(value is not None for value in frames),
        share=share_reached(frames),
    )


def _reach_seconds(runs: Sequence[RunResult], frames: Sequence[int | None], *names: str) -> Reach:
    # the statistics count in whole numbers: milliseconds
    pairs = zip(runs, frames, strict=True)
    found = _reach([None if n is None else round(_MS * n / run.fps) for run, n in pairs], *names)
    interval = found.interval and CensoredInterval(*map(_seconds, found.interval))
    return Reach(_seconds(found.median), interval, found.n_reached, found.share)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / _MS


def _mean_operations(runs: Sequence[RunResult]) -> float | None:
    counts = [run.operations for run in runs if run.operations is not None]
    return float(np.mean(counts)) if len(counts) == len(runs) else None


def _zero_shot(runs: Sequence[RunResult]) -> dict[str, ZeroShot | None]:
    tests = sorted({test for run in runs for test in run.zero_shot})
    return {test: _one_test(test, runs) for test in tests}


def _one_test(test: str, runs: Sequence[RunResult]) -> ZeroShot | None:
    taken: list[tuple[RunResult, ZeroShotResult]] = []
    for run in runs:
        result = run.zero_shot.get(test)
        if result is not None:
            taken.append((run, result))
    if not taken:
        return None
    names = (taken[0][0].task, taken[0][0].arm, test)
    return ZeroShot(
        seeds=[run.seed for run, _ in taken],
        success_rate=_mean([result.success_rate for _, result in taken], "test", *names),
        mean_reward=_mean([result.mean_reward for _, result in taken], "test return", *names),
        gap=_mean([run.success_rate - result.success_rate for run, result in taken], "gap", *names),
    )
