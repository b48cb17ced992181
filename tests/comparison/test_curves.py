import numpy as np
import pytest

from rl_attention.comparison.curves import average_curves


def average(*curves, **options):
    return average_curves(curves, np.random.default_rng(0), **options)


def test_the_mean_by_hand():
    band = average([[0, 0.0], [10, 1.0]], [[10, 0.0], [0, 0.0]], n_points=3)
    assert band.frames.tolist() == [0, 5, 10]
    assert band.mean.tolist() == [0, 0.25, 0.5]
    assert band.low.tolist() == [0, 0, 0]
    assert band.high.tolist() == [0, 0.5, 1]


def test_nothing_is_drawn_where_a_seed_is_not_known():
    band = average([[10, 0.1], [90, 1.0]], [[30, 0.2], [100, 1.0]])
    assert (band.frames[0], band.frames[-1]) == (30, 90)


def test_a_single_seed_has_no_band():
    band = average([[1, 0.5], [2, 0.5]])
    assert (band.low, band.high) == (None, None)
    assert band.mean == pytest.approx(0.5)


@pytest.mark.parametrize("curves", [[], [[]], [[[1, 0.5]], []], [[[1, 0.5]], [[2, 0.5]]]])
def test_there_may_be_nothing_to_draw(curves):
    assert average(*curves) is None


def test_the_band_holds_the_mean_and_is_the_same_each_time():
    rng = np.random.default_rng(1)
    curves = [[[f, rng.random()] for f in range(0, 100, 10)] for _ in range(5)]
    one, two = average(*curves), average(*curves)
    assert (one.low <= one.mean).all()
    assert (one.mean <= one.high).all()
    assert (one.low == two.low).all()
