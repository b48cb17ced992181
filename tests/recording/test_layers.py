import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.errors import UserError
from rl_attention.recording import ProbeSet, draw_mosaic, label_layers, summarise
from rl_attention.recording.layers import segment_slices

BOTH = ("global", "entities")


def test_order_and_labels(make_map):
    one = np.ones((1, 1, 1, 1))
    maps = {
        "words": make_map(one, queries=("global",), keys=("words",)),
        "b0": make_map(np.ones((1, 1, 3, 3)), queries=BOTH, keys=BOTH),
        "b1": make_map(np.ones((1, 1, 3, 3)), queries=BOTH, keys=BOTH),
        "pool": make_map(np.ones((1, 1, 1, 2))),
    }
    maps = {name: dataclasses.replace(m, name=name) for name, m in maps.items()}
    layers = label_layers(maps, {})
    names = {label: found.name for label, found in layers.items()}
    assert names == {"l0": "b0", "l1": "b1", "l2": "pool", "w0": "words"}
    assert list(layers) == ["l0", "l1", "l2", "w0"]


def test_more_than_ten_layers_stay_in_order(make_map):
    maps = {str(i): make_map(np.ones((1, 1, 1, 1))) for i in range(12)}
    assert list(label_layers(maps, {})) == [f"l{i}" for i in range(12)]


@pytest.mark.parametrize("keys", [("entities",), BOTH, ("entities", "global")])
def test_trimmed_columns_come_back_as_zeros(make_map, keys):
    rng = np.random.default_rng(0)
    extra = len(keys) - 1
    n = 2 + extra
    found = make_map(rng.random((2, 3, n, n)), queries=keys, keys=keys)
    (full,) = label_layers({"a": found}, {"entities": 5, "words": 9}).values()
    assert full.weights.shape == (2, 3, 5 + extra, 5 + extra)
    assert full.key_mask.shape == full.query_mask.shape == (2, 5 + extra)
    assert full.key_mask.sum() == 2 * n
    real = np.flatnonzero(full.key_mask[0])
    assert np.array_equal(full.weights[:, :, real][:, :, :, real], found.weights)
    np.testing.assert_allclose(full.weights.sum(), found.weights.sum(), rtol=1e-6)
    expected = {("entities",): [0, 1], BOTH: [0, 1, 2], ("entities", "global"): [0, 1, 5]}
    assert list(real) == expected[keys]


def test_full_maps_stay_as_they_are(make_map):
    found = make_map(np.ones((1, 1, 1, 4)))
    for sizes in ({}, {"entities": 4}, {"entities": 2}):
        assert label_layers({"a": found}, sizes)["l0"].weights is found.weights


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        (("words", "entities"), {}),
        (("words", "entities"), {"words": 4, "entities": 9}),
        (("latents", "entities"), {"entities": 3}),
        (("query",), {}),
        (("global", "query", "words", "entities", "latents"), {"words": 1}),
        (("entities", "entities"), {"entities": 4}),
        ((), {}),
    ],
)
def test_segments_that_cannot_be_told_apart_are_one(make_map, full_probes, keys, sizes):
    weights = np.full((2, 1, 1, 8), 1 / 8)
    (full,) = label_layers({"a": make_map(weights, keys=keys)}, sizes).values()
    assert full.keys == ("tokens",)
    assert full.queries == ("query",)
    assert np.array_equal(full.weights, weights.astype(np.float32))
    assert draw_mosaic({"l0": full}, full_probes, 0).ndim == 3
    assert summarise({"l0": full}, full_probes)["attention/mass_tokens"] == pytest.approx(1)


SEGMENTS = ("global", "query", "entities", "words", "latents", "others")


@given(st.data())
def test_no_segments_and_sizes_are_too_much(make_map, data):
    axis = st.lists(st.sampled_from(SEGMENTS), max_size=4).map(tuple)
    queries, keys = data.draw(axis), data.draw(axis)
    n_queries, n_keys = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 6))
    slots = data.draw(st.integers(0, 5))
    probes = ProbeSet(np.zeros((2, 3)), labels=np.full((2, slots), "key"))
    weights = np.full((2, 2, n_queries, n_keys), 1 / max(n_keys, 1))
    layers = label_layers({"a": make_map(weights, queries=queries, keys=keys)}, probes.sizes)
    draw_mosaic(layers, probes, 1)
    assert summarise(layers, probes)


def test_no_entity_at_all(make_map):
    found = make_map(np.zeros((1, 2, 1, 0)))
    (full,) = label_layers({"a": found}, {"entities": 3}).values()
    assert full.weights.shape == (1, 2, 1, 3)
    assert not full.key_mask.any()


def test_segments():
    assert segment_slices(BOTH, 4, {}) == {"global": slice(0, 1), "entities": slice(1, 4)}
    mixed = segment_slices(("words", "global", "entities"), 6, {"words": 2, "entities": 3})
    assert mixed == {"words": slice(0, 2), "global": slice(2, 3), "entities": slice(3, 6)}


@pytest.mark.parametrize(
    ("names", "length", "sizes"),
    [
        (("words", "entities"), 4, {"words": 2}),
        (("words", "entities"), 4, {"words": 2, "entities": 3}),
        (("query",), 2, {}),
        (BOTH, 0, {}),
    ],
)
def test_axes_that_do_not_fit_their_names(names, length, sizes):
    with pytest.raises(UserError, match="cannot hold segments"):
        segment_slices(names, length, sizes)
