import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.errors import UserError
from rl_attention.recording import AttentionMap
from rl_attention.recording.metrics import drift, entropy, head_diversity, mass, top1

KINDS = np.array(["", "key", "door", "ball"])
SIZES = {"entities": 6}
METRICS = {"entropy": entropy, "top1": top1, "head_diversity": head_diversity}


@st.composite
def maps(draw):
    """Maps over a global token and six entity slots, any masks, any sharpness."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch, heads = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    mask = rng.random((batch, 7)) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    mask[:, 0] |= draw(st.booleans())
    scores = rng.normal(size=(batch, heads, 7, 7)) * draw(st.sampled_from([0.0, 1.0, 30.0]))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask[:, None, None, :]
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-30)
    both = ("global", "entities")
    found = AttentionMap("m", weights.astype(np.float32), both, both, mask, mask)
    return found, np.where(mask[:, 1:], KINDS[rng.integers(1, 4, (batch, 6))], "")


def everything(found, types):
    values = [np.ravel(metric(found)) for metric in METRICS.values()]
    return np.concatenate([*values, list(mass(found, types, SIZES).values())])


@given(maps(), maps())
def test_all_metrics_lie_between_0_and_1(one, other):
    values = everything(*one)
    assert np.isfinite(values).all()
    assert ((values >= 0) & (values <= 1)).all()
    if one[0].weights.shape == other[0].weights.shape:
        assert 0 <= drift(one[0], other[0]) <= 1


@given(maps(), st.integers(0, 10**6))
def test_the_order_of_entities_does_not_matter(made, seed):
    found, types = made
    order = np.random.default_rng(seed).permutation(6)
    tokens = np.concatenate([[0], 1 + order])
    turned = dataclasses.replace(
        found,
        weights=found.weights[:, :, tokens][:, :, :, tokens],
        query_mask=found.query_mask[:, tokens],
        key_mask=found.key_mask[:, tokens],
    )
    np.testing.assert_allclose(everything(turned, types[:, order]), everything(found, types))


@given(maps(), st.floats(0, 1e30))
def test_padding_does_not_matter(made, junk):
    found, types = made
    wide = np.pad(found.weights, ((0, 0), (0, 0), (0, 2), (0, 2)), constant_values=junk)
    masks = [np.pad(m, ((0, 0), (0, 2))) for m in (found.query_mask, found.key_mask)]
    padded = AttentionMap("m", wide, found.queries, found.keys, *masks)
    wide_types = np.pad(types, ((0, 0), (0, 2)), constant_values="")
    np.testing.assert_allclose(everything(padded, wide_types), everything(found, types))
    assert drift(padded, padded) == 0


@given(maps())
def test_shares_of_mass_sum_to_1(made):
    found, types = made
    # rows without any real key have no mass, and are left out of the mean
    total = sum(mass(found, types, SIZES).values())
    counts = (found.query_mask[:, 0] & found.key_mask.any(axis=1)).any()
    assert math.isclose(total, 1.0 if counts else 0.0, abs_tol=1e-9)


@given(maps())
def test_drift_is_symmetric_and_zero_on_itself(made):
    found, _ = made
    turned = dataclasses.replace(found, weights=found.weights[:, ::-1])
    assert drift(found, found) == 0
    assert math.isclose(drift(found, turned), drift(turned, found), abs_tol=1e-12)


def test_values_by_hand(make_map):
    weights = np.array([[[[0.5, 0.5, 0, 0]], [[1, 0, 0, 0]]]])  # two heads, one query
    found = make_map(weights)
    np.testing.assert_allclose(entropy(found), [0.5, 0.0])
    np.testing.assert_allclose(top1(found), [0.5, 1.0])
    # JS((1/2, 1/2), (1, 0)) = H(3/4, 1/4) - 1/2 bit
    js = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)) - 0.5
    assert math.isclose(head_diversity(found), js)
    types = np.array([["key", "key", "ball", "wall"]])
    expected = {"key": 1.0, "ball": 0.0, "wall": 0.0}
    assert mass(found, types, {"entities": 4}) == expected


def test_uniform_and_single_keys(make_map):
    uniform = make_map(np.full((1, 1, 1, 8), 1 / 8))
    np.testing.assert_allclose(entropy(uniform), [1.0])
    assert head_diversity(uniform) == 0
    lone = make_map([[[[1.0, 0.0]]]], key_mask=[[True, False]])
    assert list(entropy(lone)) == [0.0]
    assert list(top1(lone)) == [1.0]


def test_disjoint_heads_are_as_diverse_as_can_be(make_map):
    assert math.isclose(head_diversity(make_map([[[[1.0, 0.0]], [[0.0, 1.0]]]])), 1.0)


def test_entropy_divides_by_the_real_keys_of_each_row(make_map):
    weights = [[[[0.5, 0.5, 0.0, 0.0]]], [[[0.25] * 4]]]
    found = make_map(weights, key_mask=[[1, 1, 0, 0], [1, 1, 1, 1]])
    np.testing.assert_allclose(entropy(found), [1.0])


def test_masked_queries_do_not_count(make_map):
    weights = [[[[1.0, 0.0], [0.5, 0.5]]]]
    found = make_map(
        weights, queries=("global", "entities"), keys=("words",), query_mask=[[True, False]]
    )
    np.testing.assert_allclose(entropy(found), [0.0])
    np.testing.assert_allclose(top1(found), [1.0])


def test_mass_without_types_and_with_a_global_token(make_map):
    found = make_map([[[[0.4, 0.1, 0.5]]]], keys=("global", "entities"))
    shares = mass(found, None, {})
    assert shares == pytest.approx({"agent": 0.4, "entities": 0.6})
    fewer = mass(found, np.array([["key"]]), {})
    assert fewer == pytest.approx({"agent": 0.4, "key": 0.1})


def test_a_type_may_have_the_name_of_a_segment(make_map):
    found = make_map([[[[0.4, 0.1, 0.5]]]], keys=("global", "entities"))
    shares = mass(found, np.array([["agent", "key"]]), {})
    assert shares == pytest.approx({"agent": 0.5, "key": 0.5})


def test_nothing_to_look_at(make_map):
    found = make_map(np.zeros((2, 2, 1, 0)))
    assert list(entropy(found)) == list(top1(found)) == [0, 0]
    assert head_diversity(found) == drift(found, found) == 0
    assert mass(found, np.full((2, 0), "key"), {"entities": 0}) == {}


def test_drift_refuses_maps_of_other_probes(make_map):
    with pytest.raises(UserError, match="same probes"):
        drift(make_map(np.ones((1, 1, 1, 2))), make_map(np.ones((2, 1, 1, 2))))
