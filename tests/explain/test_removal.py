"""Taking a token out takes out that one alone, of a copy."""

import numpy as np
import pytest
from handmade import N_SLOTS, draw_observations, draw_probes, make_handmade

from rl_attention.errors import UserError
from rl_attention.explain.removal import REMOVALS, draw_donors, make_removal
from rl_attention.explain.slots import Slots
from rl_attention.explain.subject import Subject

EMPTY = (0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def model():
    return make_handmade(honest=True)


def removed(model, name, gone):
    slots, states = Slots(model), draw_observations(np.random.default_rng(3), len(gone))
    before = {key: values.copy() for key, values in states.items()}
    removal = make_removal(name, slots, states, empty=EMPTY, generator=np.random.default_rng(0))
    found = removal(states, np.arange(len(gone)), gone)
    for key in before:
        np.testing.assert_array_equal(before[key], states[key])
    return slots, states, found


@pytest.mark.parametrize("name", REMOVALS)
def test_what_is_not_taken_out_stays(model, name):
    real = Slots(model).present(draw_observations(np.random.default_rng(3), 20))
    gone = real & (np.random.default_rng(1).random((20, N_SLOTS)) < 0.4)
    _, states, found = removed(model, name, gone)
    np.testing.assert_array_equal(found["entities"][~gone], states["entities"][~gone])
    np.testing.assert_array_equal(found["mask"][~gone], states["mask"][~gone])


def test_masked_tokens_are_not_there(model):
    gone = np.eye(N_SLOTS, dtype=bool)
    slots, states, found = removed(model, "mask", gone)
    np.testing.assert_array_equal(slots.present(found), slots.present(states) & ~gone)


def test_an_empty_place_stands_where_the_token_was(model):
    gone = np.eye(N_SLOTS, dtype=bool)
    _, _, found = removed(model, "empty", gone)
    np.testing.assert_array_equal(found["entities"][gone], np.tile(EMPTY, (N_SLOTS, 1)))


def test_a_resampled_token_is_one_of_another_state(model):
    gone = np.zeros((20, N_SLOTS), bool)
    gone[:, 1] = True
    _, states, found = removed(model, "resample", gone)
    known = {row.tobytes() for row in states["entities"][:, 1]}
    for before, after in zip(states["entities"][:, 1], found["entities"][:, 1], strict=True):
        assert after.tobytes() in known - {before.tobytes()}


def test_donors_differ_and_are_real():
    tokens = np.array([[[1], [7]], [[1], [8]], [[2], [9]]])
    present = np.array([[True, True], [True, False], [True, False]])
    donors = draw_donors(tokens, present, np.random.default_rng(0))
    np.testing.assert_array_equal(donors[:2, 0], [2, 2])
    assert donors[2, 0] in (0, 1)
    np.testing.assert_array_equal(donors[:, 1], [-1, -1, -1])


def test_the_default_is_what_the_observation_allows(model):
    assert Subject(model, draw_probes(0)).removal.name == "mask"
    assert Subject(model, draw_probes(0), empty=EMPTY).removal.name == "empty"


@pytest.mark.parametrize(
    ("name", "empty", "message"),
    [
        ("burn", None, "removal: expected one of mask, empty, resample, got 'burn'"),
        ("empty", None, "none are known"),
        ("empty", (1.0, 2.0), "expected 3 numbers for an empty place of 'entities', got 2"),
    ],
)
def test_what_cannot_be_had_is_one_line(model, name, empty, message):
    with pytest.raises(UserError, match=message):
        Subject(model, draw_probes(0), removal=name, empty=empty)


def test_states_without_entities_are_refused(model):
    nothing = draw_observations(np.random.default_rng(0), 3)
    nothing["mask"][:] = 0
    probes = type(draw_probes(0)).from_observations(nothing)
    with pytest.raises(UserError, match="at least one entity"):
        Subject(model, probes)
