"""Maps over past frames as bars of their steps: what they add up to, and that the size stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.recording import ProbeSet, draw_mosaic
from rl_attention.recording.drawing.colours import colour
from rl_attention.recording.drawing.film import (
    MOST_TOKENS,
    StepSums,
    film_strip,
    step_bars,
    sum_steps,
)
from rl_attention.recording.drawing.strips import MARGIN


@given(
    tokens=st.lists(st.tuples(st.integers(-40, 0), st.floats(0, 1)), max_size=60),
    share=st.floats(0, 1),
)
def test_sums_lose_nothing(tokens, share):
    steps = np.array([step for step, _ in tokens], dtype=int)
    values = np.array([value for _, value in tokens])
    sums = sum_steps(steps, values, share)
    assert sums.steps.tolist() == list(range(int(steps.min(initial=0)), 1))
    assert sums.values.sum() == pytest.approx(values.sum())
    assert sums.levels.sum() == pytest.approx(len(tokens) * share)
    for step, value in zip(sums.steps, sums.values, strict=True):
        assert value == pytest.approx(values[steps == step].sum())


def test_a_bar_is_as_high_as_its_sum_and_has_its_colour():
    sums = StepSums(np.arange(-3, 1), np.array([0.0, 0.25, 1.0, 0.5]), np.full(4, 0.75))
    picture = np.asarray(step_bars(sums, (80, 101)))
    for column, value in zip((5, 25, 45, 65), sums.values, strict=True):
        bar = (picture[:, column] == colour(value)).all(axis=-1)
        bar[[24, 25]] = value > 0.75  # where the line of an equal share lies
        assert bar[round(100 * (1 - value)) + 2 :].all()
        if value < 0.7:
            assert not bar[: round(100 * (1 - value))].any()
        assert (picture[25, column] == (32, 32, 36)).all()  # an equal share


@pytest.mark.parametrize("signed", [-0.4, 0.4])
def test_bars_of_numbers_with_a_sign_grow_from_the_middle(signed):
    sums = StepSums(np.arange(1), np.array([signed]), np.zeros(1))
    bars = step_bars(sums, (10, 101), least=-0.4, most=0.4, shade=lambda value: (255, 0, 0))
    rows = np.flatnonzero((np.asarray(bars)[:, 3] == (255, 0, 0)).all(axis=-1))
    assert (rows.min() >= 50) == (signed < 0)
    assert len(rows) >= 48


def window_probes(n_steps, n_rows=4):
    steps = np.repeat(np.arange(1 - n_steps, 1), n_rows)
    labels = [f"{step or 'now'} ball {i % n_rows}" for i, step in enumerate(steps)]
    return ProbeSet(np.zeros((1, len(steps), 2)), labels=[labels], steps=[steps])


@pytest.mark.parametrize(("n_steps", "bars"), [(6, False), (7, True), (64, True)])
def test_many_tokens_of_past_frames_are_drawn_as_steps(n_steps, bars, make_map):
    probes = window_probes(n_steps)
    count = probes.steps.shape[1]
    assert (count > MOST_TOKENS) == bars
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(3):
        weights = rng.dirichlet(np.ones(count), (1, 2, 1))
        layers = {"l0": make_map(weights)}
        pictures.append(draw_mosaic(layers, probes, 0))
        if bars:
            strip = film_strip(
                probes.labels[0].tolist(), probes.steps[0].tolist(), weights[0, :, 0], space=640
            )
            found = pictures[-1]
            rows = range(found.shape[0] - strip.height + 1)
            strip = np.asarray(strip)
            height, width = strip.shape[:2]
            assert any((found[y : y + height, 36 : 36 + width] == strip).all() for y in rows)
    assert len({picture.shape for picture in pictures}) == 1
    assert (pictures[0] != pictures[1]).any()


def test_tokens_of_no_step_have_no_bar_and_are_named():
    weights = np.array([[0.6, 0.3, 0.1]])
    alone = np.asarray(
        film_strip(["agent", "-1 ball", "now ball"], [None, -1, 0], weights, space=400)
    )
    bars = alone[:40, MARGIN:]
    other = np.asarray(
        film_strip(
            ["agent", "-1 ball", "now ball"], [None, -1, 0], weights[:, [0, 2, 1]], space=400
        )
    )
    assert alone.shape == other.shape
    left, right = bars[:, : bars.shape[1] // 2], bars[:, bars.shape[1] // 2 :]
    for half, value in ((left, 0.3), (right, 0.1)):
        assert (half[38, 20] == colour(value)).all()
    assert (alone != other).any()


def test_without_steps_many_tokens_stay_cells(make_map):
    probes = window_probes(20)
    bare = ProbeSet(probes.observations, labels=probes.labels)
    weights = np.random.default_rng(0).dirichlet(np.ones(80), (1, 2, 1))
    layers = {"l0": make_map(weights)}
    assert draw_mosaic(layers, bare, 0).shape != draw_mosaic(layers, probes, 0).shape
