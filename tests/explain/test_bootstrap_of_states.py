"""Intervals over episodes and runs."""

import numpy as np
import pytest

from rl_attention.explain.bootstrap import Column, estimate, mean_of


def rng():
    return np.random.default_rng(0)


def test_mean_is_the_ratio_of_sums():
    column = Column(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 8.0]))
    found = estimate([column], rng())
    assert found.mean == pytest.approx(0.5)
    assert found.n == 3
    # episodes have 3/4 and 3/8
    assert found.low == pytest.approx(3 / 8)
    assert found.high == pytest.approx(3 / 4)


def test_states_of_one_episode_say_nothing_about_others():
    found = estimate([mean_of(np.zeros(50, int), np.arange(50.0))], rng())
    assert (found.low, found.high) == (None, None)


def test_episodes_are_drawn_and_not_states():
    values = np.repeat([0.0, 1.0], 500)
    within = estimate([mean_of(np.repeat([0, 1], 500), values)], rng())
    apart = estimate([mean_of(np.arange(1000), values)], rng())
    assert (within.low, within.high) == (0.0, 1.0)
    assert apart.high - apart.low < 0.08


def test_runs_count_alike_and_are_drawn_too():
    many = mean_of(np.arange(100), np.zeros(100))
    few = mean_of(np.arange(4), np.ones(4))
    found = estimate([many, few], rng())
    assert found.mean == pytest.approx(0.5)
    assert (found.low, found.high) == (0.0, 1.0)


def test_what_means_nothing_is_left_out():
    values = np.array([1.0, np.nan, 3.0])
    found = estimate([mean_of(np.arange(3), values)], rng())
    assert found.mean == 2.0
    assert found.n == 2
    nothing = estimate([mean_of(np.arange(2), np.full(2, np.nan))], rng())
    assert np.isnan(nothing.mean)
    assert nothing.low is None


def test_interval_holds_the_mean_of_many_episodes():
    inside = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        values = draw.normal(loc=0.3, size=40)
        found = estimate([mean_of(np.arange(40), values)], draw, n_resamples=500)
        inside += found.low <= 0.3 <= found.high
    assert inside >= 88


def test_a_ratio_over_what_may_be_zero_is_none():
    draw = np.random.default_rng(0)
    over = draw.normal(scale=1.0, size=50)
    found = estimate([Column(np.arange(50), np.full(50, 0.1), over)], draw)
    assert np.isnan(found.mean)
    assert str(found) == "n/a"
    assert (found.low, found.high, found.n_episodes) == (None, None, 50)


def test_a_run_that_is_drawn_twice_has_other_episodes_each_time():
    # two runs alike: the mean over two draws of one run varies less than one draw does
    draw = np.random.default_rng(0)
    values = draw.normal(size=50)
    alone = estimate([mean_of(np.arange(50), values)], rng())
    both = estimate([mean_of(np.arange(50), values)] * 2, rng())
    ratio = (both.high - both.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(0.5), abs=0.05)
