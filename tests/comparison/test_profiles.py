import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.comparison import (
    bootstrap_median_frames,
    bootstrap_profile,
    frames_to,
    median_with_censoring,
    performance_profile,
    share_reached,
)

number = st.floats(-1e3, 1e3)
several = st.lists(number, min_size=2, max_size=6)
several_tasks = st.dictionaries(st.sampled_from("abcd"), several, min_size=1)
levels = st.lists(number, min_size=1, max_size=6).map(sorted)
frames_of_runs = st.lists(st.none() | st.integers(1, 10**9), min_size=2, max_size=8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_profile_is_the_share_above_not_at_a_threshold():
    # a: 1/2 1/2 0 0; b: 1 3/4 1/4 0
    profile = performance_profile({"a": [0, 1], "b": [1, 1, 2, 0.5]}, [0, 0.5, 1, 2])
    assert profile.tolist() == [0.75, 0.625, 0.125, 0]


def test_band_of_a_profile_is_that_of_its_draws():
    # above 0.5: a 0 to 1, b always 1; above 1.5: none
    band = bootstrap_profile({"a": [0, 1], "b": [1, 1]}, [0.5, 1.5], rng())
    assert band.low.tolist() == [0.5, 0]
    assert band.high.tolist() == [1, 0]


def test_frames_to_is_the_first_frame_at_or_above():
    curve = [(100, 0.2), (200, 0.9), (300, 0.5), (400, 0.95)]
    assert frames_to(curve, 0.9) == frames_to(curve[::-1], 0.9) == 200
    assert frames_to(curve, 0.95) == 400
    assert frames_to(curve, 0.96) is None


def test_share_reached_counts_runs():
    assert share_reached([10, None, 20, None]) == 0.5
    assert share_reached([None]) == 0


@pytest.mark.parametrize(
    ("frames", "interval"),
    [
        # medians 10, 15, 20 with chances 1/4, 1/2, 1/4
        ([10, 20], (10, 20)),
        # 10 twice, a quarter of the time, or else never: half of the runs never got there
        ([10, None], (10, None)),
        ([None, None], (None, None)),
        ([10, 10, 10], (10, 10)),
    ],
)
def test_interval_of_the_median_may_have_an_end_among_those_never_there(frames, interval):
    assert bootstrap_median_frames(frames, rng()) == interval


@given(scores=several_tasks, thresholds=levels)
def test_profile_and_band_are_shares_and_never_rise(scores, thresholds):
    profile = performance_profile(scores, thresholds)
    assert ((profile >= 0) & (profile <= 1)).all()
    assert (np.diff(profile) <= 0).all()
    low, high = bootstrap_profile(scores, thresholds, rng(), n_resamples=50)
    assert ((low >= 0) & (low <= high) & (high <= 1)).all()
    assert (np.diff(low) <= 1e-12).all()
    assert (np.diff(high) <= 1e-12).all()


@given(frames=frames_of_runs)
def test_interval_of_the_median_stays_within_the_frames(frames):
    low, high = bootstrap_median_frames(frames, rng(), n_resamples=200)
    reached = [value for value in frames if value is not None]
    assert low is None or min(reached) <= low <= max(reached)
    assert high is None or (low is not None and low <= high <= max(reached))
    assert bootstrap_median_frames(frames[::-1], rng(), n_resamples=200) == (low, high)


@given(frames=frames_of_runs)
def test_interval_of_one_draw_is_its_median(frames):
    by_size = sorted(frames, key=lambda value: math.inf if value is None else value)
    drawn = [by_size[index] for index in rng().integers(len(frames), size=len(frames))]
    median = median_with_censoring(drawn)
    assert bootstrap_median_frames(frames, rng(), n_resamples=1) == (median, median)


@given(scores=several_tasks, thresholds=levels)
def test_order_of_tasks_and_seeds_changes_no_profile(scores, thresholds):
    turned = {task: scores[task][::-1] for task in reversed(scores)}
    first, second = (performance_profile(runs, thresholds) for runs in (scores, turned))
    assert np.array_equal(first, second)


@given(scores=several_tasks, thresholds=levels)
def test_a_seed_decides_the_band(scores, thresholds):
    first, second = (
        bootstrap_profile(scores, thresholds, rng(3), n_resamples=50) for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_one_seed_has_no_interval():
    assert bootstrap_profile({"a": [0, 1], "b": [1]}, [0.5], rng()) is None
    assert bootstrap_median_frames([10], rng()) is None


def test_the_global_generator_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    bootstrap_profile({"a": [0, 1]}, [0.5], rng())
    bootstrap_median_frames([1, 2], rng())
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("profile", [performance_profile, partial(bootstrap_profile, rng=rng())])
@pytest.mark.parametrize(
    ("scores", "thresholds", "line"),
    [
        ({}, [0.5], "at least one task"),
        ({"a": []}, [0.5], "a: expected a list of at least one score"),
        ({"a": [float("nan")]}, [0.5], "a: expected finite scores"),
        ({"a": [1]}, [], "thresholds: expected a list"),
        ({"a": [1]}, [float("nan")], "thresholds: expected finite"),
    ],
)
def test_bad_scores_and_thresholds_are_refused(profile, scores, thresholds, line):
    with pytest.raises(ValueError, match=line):
        profile(scores, thresholds)


@pytest.mark.parametrize(
    ("curve", "threshold", "line"),
    [
        ([], 0.9, "at least one point"),
        ([(1, float("nan"))], 0.9, "expected finite rates"),
        ([(1, 0.5)], float("nan"), "expected finite rates"),
    ],
)
def test_bad_curves_are_refused(curve, threshold, line):
    with pytest.raises(ValueError, match=line):
        frames_to(curve, threshold)


@pytest.mark.parametrize("count", [share_reached, partial(bootstrap_median_frames, rng=rng())])
def test_no_seed_is_refused(count):
    with pytest.raises(ValueError, match="at least one seed"):
        count([])
