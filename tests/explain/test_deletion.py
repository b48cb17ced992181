"""Orders, deletion curves and scores: what must hold of them, and values by hand."""

import numpy as np
import pytest
from handmade import draw_probes, make_handmade
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.explain.deletion import MOST_STEPS, Curves, Subsets, delete, rank, steps_of
from rl_attention.explain.effects import measure_effects
from rl_attention.explain.scores import OCCLUSION, score_maps
from rl_attention.explain.subject import Subject


@pytest.fixture(scope="module")
def subject():
    return Subject(make_handmade(honest=True), draw_probes(5, 100))


@given(st.integers(0, 1000))
def test_places_are_a_permutation_of_the_real_ones(seed):
    rng = np.random.default_rng(seed)
    scores, present = rng.integers(0, 3, (4, 7)).astype(float), rng.random((4, 7)) < 0.6
    places = rank(scores, present, rng)
    assert np.isnan(places[~present]).all()
    for row in range(4):
        real = present[row]
        assert sorted(places[row, real]) == list(range(real.sum()))
        order = scores[row, real][np.argsort(places[row, real])]
        assert (np.diff(order) <= 0).all()


def test_ties_are_broken_at_random():
    present = np.ones((4000, 3), bool)
    places = rank(np.zeros((4000, 3)), present, np.random.default_rng(0))
    np.testing.assert_allclose((places == 0).mean(axis=0), 1 / 3, atol=0.03)


def test_one_question_is_one_effect(subject):
    effects = measure_effects(subject)
    gone = np.zeros(subject.present.shape, bool)
    gone[:, 0] = True
    asked = Subsets(subject).ask(np.arange(len(subject)), gone)
    np.testing.assert_allclose(asked.distance, effects.distance[:, 0], atol=1e-12)
    np.testing.assert_allclose(asked.drop, effects.drop[:, 0], atol=1e-12)
    again = Subsets(subject).ask(np.arange(len(subject)).repeat(2), gone.repeat(2, axis=0))
    np.testing.assert_allclose(again.distance, asked.distance.repeat(2))


def test_a_curve_by_hand(subject):
    order = rank(-np.arange(6.0) * np.ones((100, 1)), subject.present, np.random.default_rng(0))
    curves = delete(subject, order[None])
    row = 4
    count = subject.present[row].sum()
    heights = []
    for taken in range(1, count + 1):
        gone = (np.arange(6)[None] < taken) & subject.present[[row]]
        heights.append(Subsets(subject).ask(np.array([row]), gone).distance)
    by_hand = np.trapezoid([0.0, *np.ravel(heights)]) / count
    np.testing.assert_allclose(curves.area[0, row], by_hand)
    kept = delete(subject, order[None], keep=True)
    last = (kept.rows == row) & (kept.taken == count)
    assert kept.distance[0, last] == 0.0


def test_effects_order_is_one_and_random_orders_are_zero(subject):
    rng = np.random.default_rng(1)
    maps = {f"random {i}": rng.random(subject.present.shape) for i in range(20)}
    scored = score_maps(subject, maps, measure_effects(subject), n_random=40)
    known = scored.sensitive & (scored.count > 1)
    room = scored.room[known].sum()
    assert scored.maps[OCCLUSION].gain[known].sum() / room == pytest.approx(1.0)
    of_random = [scored.maps[name].gain[known].sum() / room for name in maps]
    # the level of 40 random orders is drawn too
    assert abs(np.mean(of_random)) < 3 * np.std(of_random) * np.sqrt(1 / 20 + 1 / 40)
    np.testing.assert_array_equal(scored.maps[OCCLUSION].hit, 1.0)
    hits = np.mean([scored.maps[name].hit for name in maps])
    assert hits == pytest.approx((1 / scored.count).mean(), abs=0.08)


def test_the_reverse_of_the_best_order_is_worse_than_random(subject):
    effects = measure_effects(subject)
    scored = score_maps(subject, {"reverse": -effects.kl}, effects)
    known = scored.sensitive & (scored.count > 1)
    assert scored.maps["reverse"].gain[known].sum() < 0
    assert np.nanmean(scored.maps["reverse"].tau) == pytest.approx(-1.0)


def test_many_entities_are_taken_out_in_even_shares():
    assert steps_of(0).tolist() == []
    assert steps_of(MOST_STEPS).tolist() == list(range(1, MOST_STEPS + 1))
    steps = steps_of(49, always=(1, 2, 60))
    assert len(steps) == MOST_STEPS + 2
    assert steps[:3].tolist() == [1, 2, 3]
    assert steps[-1] == 49
    assert np.diff(steps[2:]).tolist() == pytest.approx([49 / MOST_STEPS] * 15, abs=1)


def test_area_and_drop_of_uneven_steps_by_hand():
    curves = Curves(
        rows=np.array([0, 0, 0, 2]),
        taken=np.array([1, 3, 4, 1]),
        count=np.array([4, 0, 1]),
        distance=np.array([[0.2, 0.4, 0.6, 0.8]]),
        drop=np.array([[0.1, 0.3, 0.5, 0.7]]),
    )
    first = (0.2 / 2 + (0.2 + 0.4) / 2 * 2 + (0.4 + 0.6) / 2) / 4  # trapezoids 1, 2 and 1 wide
    np.testing.assert_allclose(curves.area, [[first, np.nan, 0.4]])
    np.testing.assert_allclose(curves.drop_after((1, 3)), [[0.2, np.nan, 0.7]])
    np.testing.assert_allclose(curves.drop_after((4, 5)), [[0.5, np.nan, np.nan]])
    np.testing.assert_allclose(curves.end, [[0.6, np.nan, 0.8]])
