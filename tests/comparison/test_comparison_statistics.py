import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, mannwhitneyu, trim_mean

from rl_attention.comparison.statistics import (
    bootstrap_difference,
    bootstrap_iqm,
    bootstrap_probability,
    iqm,
    median_with_censoring,
    probability_of_improvement,
)

scores = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8)
several = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_iqm_leaves_out_the_outer_quarters():
    assert iqm([0.0, 1.0, 2.0, 100.0]) == 1.5


def test_iqm_of_one_seed_is_that_seed():
    assert iqm([0.7]) == 0.7


def test_iqm_of_three_seeds_is_their_mean():
    assert iqm([0.0, 0.5, 1.0]) == 0.5


def test_chance_counts_pairs_and_halves_ties():
    # 3 > 1, 3 > 2, 2 > 1, 2 = 2
    assert probability_of_improvement([3.0, 2.0], [1.0, 2.0]) == 3.5 / 4


@given(x=scores, y=scores)
def test_chance_is_mann_whitney_u_over_pairs(x, y):
    u = mannwhitneyu(x, y, method="asymptotic").statistic if len({*x, *y}) > 1 else None
    expected = 0.5 if u is None else u / (len(x) * len(y))
    assert probability_of_improvement(x, y) == pytest.approx(expected)


@given(x=scores, y=scores)
def test_chances_of_both_sides_sum_to_one(x, y):
    there, back = probability_of_improvement(x, y), probability_of_improvement(y, x)
    assert there + back == pytest.approx(1)
    assert 0 <= there <= 1


@given(x=several, y=several)
def test_intervals_are_ordered_and_within_the_possible(x, y):
    low, high = bootstrap_iqm(x, rng(), n_resamples=100)
    assert min(x) - 1e-9 <= low <= high <= max(x) + 1e-9
    low, high = bootstrap_difference(x, y, rng(), n_resamples=100)
    assert low <= high
    low, high = bootstrap_probability(x, y, rng(), n_resamples=100)
    assert 0 <= low <= high <= 1


@given(x=several, y=several)
def test_a_seed_decides_the_resamples(x, y):
    assert bootstrap_iqm(x, rng(3), n_resamples=50) == bootstrap_iqm(x, rng(3), n_resamples=50)
    first = bootstrap_difference(x, y, rng(3), n_resamples=50)
    assert first == bootstrap_difference(x, y, rng(3), n_resamples=50)


def test_the_global_generator_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    bootstrap_iqm([0.0, 1.0], rng())
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_interval_agrees_with_scipy():
    x = rng(1).normal(size=12)
    result = bootstrap(
        (x,),
        lambda s, axis: trim_mean(s, 0.25, axis=axis),
        method="percentile",
        n_resamples=20_000,
        rng=rng(2),
        vectorized=True,
    )
    expected = result.confidence_interval
    got = bootstrap_iqm(x, rng(3), n_resamples=20_000)
    assert got == pytest.approx((expected.low, expected.high), abs=0.03)


def test_seeds_that_all_agree_have_an_interval_without_width():
    assert bootstrap_iqm([1.0, 1.0, 1.0], rng()) == (1.0, 1.0)


def test_one_seed_has_no_interval():
    assert bootstrap_iqm([1.0], rng()) is None
    assert bootstrap_difference([1.0], [0.0, 1.0], rng()) is None
    assert bootstrap_probability([1.0, 0.0], [0.0], rng()) is None


@pytest.mark.parametrize(
    ("frames", "median"),
    [
        ([10, 30, 20], 20),
        ([10, 20], 15),
        ([10, None, 20], 20),
        ([10, None, None], None),
        ([None, 10, 20, None], None),
        ([None], None),
    ],
)
def test_a_run_that_never_got_there_is_later_than_any(frames, median):
    assert median_with_censoring(frames) == median


@pytest.mark.parametrize("bad", [[], [float("nan")], [float("inf")], [[1.0]]])
def test_bad_scores_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        iqm(bad)
    with pytest.raises(ValueError, match="expected"):
        bootstrap_iqm(bad, rng())


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        median_with_censoring([])
