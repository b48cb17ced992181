import json
from functools import partial

import numpy as np
import pytest
import write_rliable_fixture
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, trim_mean

from rl_attention.comparison import (
    aggregate_iqm,
    aggregate_mean,
    aggregate_median,
    best_of,
    bootstrap_aggregate,
    bootstrap_difference_over_tasks,
    bootstrap_improvement,
    bootstrap_iqm,
    improvement_over_tasks,
    iqm,
    optimality_gap,
    performance_profile,
)

AGGREGATES = (aggregate_iqm, aggregate_mean, aggregate_median, optimality_gap)
STORED = json.loads(write_rliable_fixture.PATH.read_text(encoding="utf-8"))

number = st.floats(-1e3, 1e3)
seeds = st.lists(number, min_size=1, max_size=6)
several = st.lists(number, min_size=2, max_size=6)
task = st.sampled_from("abcd")
tasks = st.dictionaries(task, seeds, min_size=1)
several_tasks = st.dictionaries(task, several, min_size=1)
two_arms = st.dictionaries(task, st.tuples(several, several), min_size=1)


def rng(seed=0):
    return np.random.default_rng(seed)


def split(arms):
    return tuple({task: pair[side] for task, pair in arms.items()} for side in (0, 1))


def turned(scores):
    return {task: scores[task][::-1] for task in reversed(scores)}


# values worked by hand


def test_iqm_leaves_out_the_outer_quarters_of_all_runs():
    # 0 1 | 2 3 4 5 | 6 100
    assert aggregate_iqm({"a": [0, 1, 2, 100], "b": [3, 4, 5, 6]}) == 3.5


def test_iqm_weighs_tasks_alike_whatever_their_seeds():
    # each run of a counts twice: 0 0 | 1 2 3 4 | 8 8
    assert aggregate_iqm({"a": [0, 8], "b": [1, 2, 3, 4]}) == 2.5
    # the run of a counts twice, and one half of it is cut: 0 | 3 6 | 6
    assert aggregate_iqm({"a": [6], "b": [0, 3]}) == 4.5


def test_mean_is_over_tasks_not_over_runs():
    # (1/2 + 16/4) / 2; over all runs it would be 17/6
    assert aggregate_mean({"a": [0, 1], "b": [2, 3, 4, 7]}) == 2.25


def test_median_is_over_tasks_of_their_means():
    # means 0.5, 4, 1
    assert aggregate_median({"a": [0, 1], "b": [2, 3, 4, 7], "c": [1]}) == 1


def test_optimality_gap_counts_no_surplus():
    scores = {"a": [0.5, 1.5], "b": [0.25]}
    # 1 - ((0.5 + 1)/2 + 0.25) / 2
    assert optimality_gap(scores) == 0.5
    # 2 - ((0.5 + 1.5)/2 + 0.25) / 2
    assert optimality_gap(scores, gamma=2) == 1.375


def test_improvement_is_the_mean_chance_of_a_win():
    # a: 3 > 1, 3 > 2, 2 > 1, 2 = 2: 3.5/4; b: 0 < 1, 0 > -1: 1/2
    chance = improvement_over_tasks({"a": [3, 2], "b": [0]}, {"a": [1, 2], "b": [1, -1]})
    assert chance == (3.5 / 4 + 1 / 2) / 2


def test_interval_of_an_aggregate_is_that_of_its_draws():
    # four tasks of 0 and 1: the mean is heads of 8 throws over 8; P(0) = 1/256 is under 2.5 %,
    # P(0 or 1) = 9/256 over it
    scores = {task: [0, 1] for task in "abcd"}
    assert bootstrap_aggregate(scores, aggregate_mean, rng()) == (1 / 8, 7 / 8)


def test_interval_of_a_difference_draws_the_arms_apart():
    # P(both 2 and none 0) = 1/16, over 2.5 %: from 2 - 1 to 3 - 0
    x, y = {"a": [2, 3]}, {"a": [0, 1]}
    assert bootstrap_difference_over_tasks(x, y, rng()) == (1, 3)
    # the arm with itself: were they drawn together, there would be no width
    assert bootstrap_difference_over_tasks(y, y, rng(), aggregate_mean) == (-1, 1)


def test_interval_of_the_improvement_is_that_of_its_draws():
    # a: x draws 1, 1 or 3, 3 a quarter of the time each: 0 to 1; b: always 1
    x, y = {"a": [1, 3], "b": [1, 1]}, {"a": [2, 2], "b": [0, 0]}
    assert bootstrap_improvement(x, y, rng()) == (0.5, 1)


def test_best_of_takes_the_best_arm_of_each_task():
    # means: a 1 and 0, b 0 and 2, c 1 and 1
    arms = {
        "q": {"a": [0, 0], "b": [3, 1], "c": [0, 2]},
        "p": {"c": [1, 1], "b": [0, 0], "a": [1, 1]},
    }
    best = {task: scores.tolist() for task, scores in best_of(arms).items()}
    assert best == {"a": [1, 1], "b": [3, 1], "c": [1, 1]}


# other sources


def test_the_stored_values_are_those_of_the_script():
    made = json.loads(json.dumps(write_rliable_fixture.make()))
    assert made["scores"] == STORED["scores"]
    assert made["thresholds"] == STORED["thresholds"]
    assert made["probability_of_improvement"] == pytest.approx(STORED["probability_of_improvement"])
    for name, values in STORED["aggregates"].items():
        assert made["aggregates"][name] == {
            key: pytest.approx(value) for key, value in values.items()
        }


@pytest.mark.parametrize("name", ["x", "y"])
def test_aggregates_are_those_of_rliable(name):
    scores, expected = STORED["scores"][name], STORED["aggregates"][name]
    assert aggregate_iqm(scores) == pytest.approx(expected["iqm"])
    assert aggregate_mean(scores) == pytest.approx(expected["mean"])
    assert aggregate_median(scores) == pytest.approx(expected["median"])
    assert optimality_gap(scores) == pytest.approx(expected["optimality_gap"])
    assert optimality_gap(scores, 0.5) == pytest.approx(expected["optimality_gap_at_half"])
    profile = performance_profile(scores, STORED["thresholds"])
    assert profile.tolist() == pytest.approx(expected["profile"])


def test_improvement_is_that_of_rliable():
    chance = improvement_over_tasks(STORED["scores"]["x"], STORED["scores"]["y"])
    assert chance == pytest.approx(STORED["probability_of_improvement"])


@given(scores=tasks)
def test_iqm_is_the_trimmed_mean_of_runs_repeated_to_equal_numbers(scores):
    common = np.lcm.reduce([len(values) for values in scores.values()])
    repeated = [np.repeat(values, common // len(values)) for values in scores.values()]
    expected = trim_mean(repeated, 0.25, axis=None)
    assert aggregate_iqm(scores) == pytest.approx(expected, abs=1e-9)


@given(values=several)
def test_one_task_is_what_it_is_alone(values):
    assert aggregate_iqm({"a": values}) == pytest.approx(iqm(values), abs=1e-9)
    got = bootstrap_aggregate({"a": values}, aggregate_iqm, rng(), n_resamples=100)
    # the single task's draws are the same where its scores are in the same order
    assert got == pytest.approx(bootstrap_iqm(sorted(values), rng(), n_resamples=100), abs=1e-9)


@pytest.mark.parametrize(
    ("statistic", "formula"),
    [
        (aggregate_iqm, lambda pooled: trim_mean(pooled, 0.25, axis=-1)),
        (aggregate_mean, lambda pooled: pooled.mean(axis=-1)),
    ],
)
def test_stratified_intervals_agree_with_scipy(statistic, formula):
    scores = {task: rng(number).normal(number, size=8) for number, task in enumerate("abc")}
    # several samples: scipy draws within each
    result = bootstrap(
        tuple(scores.values()),
        lambda *drawn, axis: formula(np.concatenate(drawn, axis=axis)),
        method="percentile",
        n_resamples=20_000,
        rng=rng(7),
        vectorized=True,
    )
    expected = result.confidence_interval
    got = bootstrap_aggregate(scores, statistic, rng(8), n_resamples=20_000)
    assert got == pytest.approx((expected.low, expected.high), abs=0.03)


@pytest.mark.parametrize("statistic", AGGREGATES)
@given(scores=several_tasks)
def test_all_resamples_at_once_give_what_one_by_one_gives(statistic, scores):
    at_once = bootstrap_aggregate(scores, statistic, rng(), n_resamples=50)
    one_by_one = bootstrap_aggregate(scores, lambda drawn: statistic(drawn), rng(), n_resamples=50)
    assert at_once == pytest.approx(one_by_one, abs=1e-9)


def test_any_function_of_scores_may_be_bootstrapped():
    # surplus over 2 counts nothing: the gap is 2 - 1 or 2 - 2, or between
    gap = partial(optimality_gap, gamma=2)
    assert bootstrap_aggregate({"a": [1, 3]}, gap, rng(), n_resamples=200) == (0, 1)


# properties


@pytest.mark.parametrize("statistic", AGGREGATES)
@given(scores=tasks)
def test_order_of_tasks_and_seeds_changes_nothing(statistic, scores):
    assert statistic(scores) == statistic(turned(scores))


@given(arms=two_arms)
def test_order_of_tasks_and_seeds_changes_no_comparison(arms):
    x, y = split(arms)
    assert improvement_over_tasks(x, y) == improvement_over_tasks(turned(x), turned(y))
    first, second = best_of({"x": x, "y": y}), best_of({"y": turned(y), "x": turned(x)})
    assert all(sorted(first[task]) == sorted(second[task]) for task in x)


@given(scores=several_tasks)
def test_intervals_stay_within_the_scores(scores):
    every = [score for values in scores.values() for score in values]
    for statistic in (aggregate_iqm, aggregate_mean, aggregate_median):
        low, high = bootstrap_aggregate(scores, statistic, rng(), n_resamples=50)
        assert min(every) - 1e-9 <= low <= high <= max(every) + 1e-9


@given(arms=two_arms)
def test_intervals_of_two_arms_stay_within_the_possible(arms):
    x, y = split(arms)
    low, high = bootstrap_improvement(x, y, rng(), n_resamples=50)
    assert 0 <= low <= high <= 1
    low, high = bootstrap_difference_over_tasks(x, y, rng(), aggregate_mean, n_resamples=50)
    assert min(min(a) - max(b) for a, b in arms.values()) - 1e-9 <= low <= high
    assert high <= max(max(a) - min(b) for a, b in arms.values()) + 1e-9


@given(arms=two_arms)
def test_a_seed_decides_the_intervals(arms):
    x, y = split(arms)

    def all_of_them():
        return (
            bootstrap_aggregate(x, aggregate_iqm, rng(3), n_resamples=50),
            bootstrap_difference_over_tasks(x, y, rng(3), n_resamples=50),
            bootstrap_improvement(x, y, rng(3), n_resamples=50),
        )

    assert all_of_them() == all_of_them()


@given(arms=two_arms)
def test_improvements_of_both_sides_sum_to_one(arms):
    x, y = split(arms)
    there, back = improvement_over_tasks(x, y), improvement_over_tasks(y, x)
    assert there + back == pytest.approx(1)
    assert 0 <= there <= 1


@given(constant=number, values=several)
def test_a_task_whose_seeds_agree_adds_no_variance(constant, values):
    # the task that agrees comes last: the other's draws are as without it
    scores = {"a": values, "b": [constant] * 3}
    both = bootstrap_aggregate(scores, aggregate_mean, rng(), n_resamples=50)
    alone = bootstrap_aggregate({"a": values}, aggregate_mean, rng(), n_resamples=50)
    assert both == pytest.approx([(end + constant) / 2 for end in alone], abs=1e-9)


def test_tasks_are_never_drawn():
    # were tasks drawn, the mean would go from 0 to 1
    apart = {"a": [0, 0, 0], "b": [1, 1, 1]}
    for statistic in AGGREGATES:
        assert bootstrap_aggregate(apart, statistic, rng()) == (0.5, 0.5)


@given(arms=two_arms)
def test_best_of_has_the_highest_mean_on_every_task(arms):
    x, y = split(arms)
    best = best_of({"x": x, "y": y})
    for task in arms:
        assert np.mean(best[task]) == pytest.approx(max(np.mean(x[task]), np.mean(y[task])))


@pytest.mark.slow
def test_the_interval_of_the_mean_covers_about_as_often_as_it_says():
    truth = {"a": (0.0, 1.0), "b": (2.0, 0.5), "c": (-1.0, 2.0)}
    expected = np.mean([centre for centre, _ in truth.values()])
    draws = rng(11)
    covered = 0
    for _ in range(200):
        scores = {task: draws.normal(*of, size=10) for task, of in truth.items()}
        low, high = bootstrap_aggregate(scores, aggregate_mean, draws, n_resamples=2000)
        covered += low <= expected <= high
    assert 0.85 <= covered / 200 <= 0.99


# what is refused, and what has no interval


def test_a_task_with_one_seed_has_no_interval():
    one, two = {"a": [0, 1], "b": [1]}, {"a": [0, 1], "b": [1, 2]}
    assert bootstrap_aggregate(one, aggregate_iqm, rng()) is None
    for x, y in ((one, two), (two, one)):
        assert bootstrap_improvement(x, y, rng()) is None
        assert bootstrap_difference_over_tasks(x, y, rng()) is None


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ({}, "^expected at least one task, got none$"),
        ({"a": [1], "b": []}, "^b: expected a list of at least one score, got shape"),
        ({"a": [1], "b": [float("nan")]}, "^b: expected finite scores, got"),
        ({"a": [float("inf")]}, "^a: expected finite scores, got"),
        ({"a": [[1, 2]]}, "^a: expected a list of at least one score, got shape"),
    ],
)
def test_bad_scores_are_refused(bad, line):
    calls = [
        *(partial(statistic, bad) for statistic in AGGREGATES),
        partial(bootstrap_aggregate, bad, aggregate_iqm, rng()),
        partial(improvement_over_tasks, bad, bad),
        partial(bootstrap_improvement, bad, bad, rng()),
        partial(bootstrap_difference_over_tasks, bad, bad, rng()),
        partial(best_of, {"x": bad}),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=line):
            call()


def test_arms_of_different_tasks_are_refused():
    x, y = {"a": [0, 1], "b": [0, 1]}, {"a": [0, 1]}
    calls = [
        partial(improvement_over_tasks, x, y),
        partial(bootstrap_improvement, x, y, rng()),
        partial(bootstrap_difference_over_tasks, x, y, rng()),
        partial(best_of, {"x": x, "y": y}),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"same tasks in every arm, got \['a', 'b'\] and"):
            call()


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least one arm"):
        best_of({})
    with pytest.raises(ValueError, match="gamma: expected a finite number, got nan"):
        optimality_gap({"a": [1]}, gamma=float("nan"))
