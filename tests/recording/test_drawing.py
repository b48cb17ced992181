import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.recording import ProbeSet, draw_mosaic, label_layers
from rl_attention.recording.drawing.colours import colours
from rl_attention.recording.drawing.overlay import Marks, overlay
from rl_attention.recording.drawing.scale_bar import scale_bar
from rl_attention.recording.drawing.strips import largest
from rl_attention.recording.drawing.text import fitted, number, width, wrapped

BOTH = ("global", "entities")
MASK = np.array([[1, 1, 0], [1, 1, 1]], dtype=bool)
WORDS = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)


def layers_of(make_map, seed, heads=4):
    rng = np.random.default_rng(seed)

    def rows(n_queries, mask):
        e = np.exp(2 * rng.normal(size=(2, heads, n_queries, mask.shape[1])))
        e *= mask[:, None, None, :]
        return e / e.sum(axis=-1, keepdims=True)

    tokens = np.hstack([np.ones((2, 1), dtype=bool), MASK])
    maps = {
        "w": make_map(rows(1, WORDS), queries=("global",), keys=("words",), key_mask=WORDS),
        "b": make_map(rows(4, tokens), queries=BOTH, keys=BOTH, key_mask=tokens),
        "p": make_map(rows(1, MASK), key_mask=MASK),
    }
    return label_layers(maps, {"entities": 3, "words": 4})


@pytest.fixture
def variants(full_probes):
    return {
        "everything": full_probes,
        "no words": dataclasses.replace(full_probes, words=None),
        "no agent": dataclasses.replace(full_probes, agent_boxes=None),
        "no frames": dataclasses.replace(full_probes, frames=None),
        "bare": ProbeSet.from_observations(full_probes.observations),
    }


def test_the_layout_never_depends_on_the_weights(make_map, variants):
    for probes in variants.values():
        for index in range(2):
            pictures = [draw_mosaic(layers_of(make_map, s), probes, index) for s in range(3)]
            assert len({picture.shape for picture in pictures}) == 1
            assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in pictures)
            assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("keys", ["latents", "words"])
def test_what_is_not_in_the_picture_is_a_strip_below_it(make_map, full_probes, keys):
    names = {"latents": ("global", "latents"), "words": ("global", "words")}[keys]
    mask = np.hstack([np.ones((2, 1), dtype=bool), WORDS])
    even = mask[:, None, None, :] / mask.sum(axis=1)[:, None, None, None]
    among = make_map(np.tile(even, (1, 4, 5, 1)), queries=names, keys=names, key_mask=mask)
    layers = layers_of(make_map, 0)
    found = label_layers({**layers, "a": among}, full_probes.sizes)
    before, after = (draw_mosaic(each, full_probes, 1) for each in (layers, found))
    assert after.shape[0] > before.shape[0]
    assert after.shape[1] == before.shape[1]
    assert draw_mosaic({"l0": found["l2"]}, full_probes, 1).ndim == 3  # nothing in the picture


def test_drawing_twice_gives_the_same_picture(make_map, full_probes):
    layers = layers_of(make_map, 0)
    assert np.array_equal(draw_mosaic(layers, full_probes, 0), draw_mosaic(layers, full_probes, 0))


def test_four_heads_make_six_columns(make_map, full_probes):
    picture = draw_mosaic(layers_of(make_map, 0), full_probes, 0)
    assert 6 * 160 < picture.shape[1] < 6 * 160 + 160


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_any_number_of_heads_and_layers(make_map, variants, heads):
    layers = layers_of(make_map, 0, heads)
    for probes in variants.values():
        draw_mosaic(layers, probes, 1)
        draw_mosaic({"w0": layers["w0"]}, probes, 1)
        draw_mosaic({"l0": layers["l1"]}, probes, 1)


def test_a_probe_without_any_entity(make_map, variants):
    nothing = make_map(np.zeros((2, 2, 1, 3)), key_mask=np.zeros((2, 3)))
    for probes in variants.values():
        draw_mosaic({"l0": nothing}, probes, 0)


def test_the_tint_is_where_the_weight_is(full_probes):
    frame = full_probes.frames[0]
    boxes = full_probes.boxes[0, :2]
    plain = np.asarray(overlay(frame, Marks(boxes[:0], np.zeros(0))))
    for weights in ((0.9, 0.1), (0.1, 0.9)):
        picture = np.asarray(overlay(frame, Marks(boxes, np.array(weights))))
        changed = (picture != plain).any(axis=-1)
        zoom = 160 / 224
        inside = np.zeros_like(changed)
        for x0, y0, x1, y1 in np.rint(boxes * zoom).astype(int):
            inside[max(y0 - 8, 0) : y1 + 8, max(x0 - 8, 0) : x1 + 8] = True
        assert inside.any()
        assert changed.any()
        assert not (changed & ~inside).any()


def test_lightness_rises_with_the_weight():
    light = colours(np.linspace(0, 1, 101)).astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(light) >= -0.5).all()
    assert light[-1] - light[0] > 150


def test_colours_are_fixed():
    assert colours(0.0).tolist() == [38, 10, 84]
    assert colours(1.0).tolist() == [255, 236, 72]
    assert colours([2.0, -1.0]).tolist() == [[255, 236, 72], [38, 10, 84]]


def test_the_bar_shows_the_scale_and_the_uniform_level():
    bars = [np.asarray(scale_bar(160, n)) for n in (0, 3, 9)]
    assert (bars[0][6, 40] == colours(1.0)).all()
    assert (bars[0][153, 40] == colours(0.0)).all()
    assert len({bar.tobytes() for bar in bars}) == 3


@given(st.text(max_size=80), st.integers(0, 200))
def test_text_fits(text, space):
    assert width(fitted(text, space)) <= max(space, 0)
    assert all(width(line) <= space for line in wrapped(text, space))


def test_numbers():
    assert [number(x) for x in (0.0, 0.625, 0.999, 1.0)] == [".00", ".62", "1.0", "1.0"]


def test_the_agent_shows_inside_a_token_that_has_its_place(make_map, full_probes):
    """Grid cells: the global token and the cell below the agent both keep a tint of their own."""
    boxes = full_probes.boxes.copy()
    boxes[0, 0] = full_probes.agent_boxes[0]
    probes = dataclasses.replace(full_probes, boxes=boxes)
    pictures = []
    for weights in ([0.1, 0.2, 0.7], [0.2, 0.1, 0.7]):
        row = np.array([[[[*weights, 0.0]]]] * 2)
        mask = np.array([[1, 1, 1, 0]] * 2, dtype=bool)
        found = make_map(row, queries=("global",), keys=BOTH, key_mask=mask)
        pictures.append(draw_mosaic({"l0": found}, probes, 0))
    changed = np.argwhere((pictures[0] != pictures[1]).any(axis=-1))
    assert len(changed) > 300  # both the rim (the cell) and the middle (the agent), in two panels


def test_no_words(make_map, full_probes):
    found = make_map(np.zeros((2, 2, 1, 0)), queries=("global",), keys=("words",))
    layers = label_layers({"w": found}, {"words": 4})
    assert draw_mosaic(layers, full_probes, 0).shape[0] < 60


@pytest.mark.parametrize("count", [64, 65, 3000])
def test_a_strip_shows_the_largest_of_many_tokens(count, make_map):
    rng = np.random.default_rng(0)
    probes = ProbeSet(np.zeros((1, count, 2)), labels=[[f"entity {i}" for i in range(count)]])
    shapes = set()
    for _ in range(2):
        weights = rng.dirichlet(np.ones(count), (1, 2, 1))
        picture = draw_mosaic({"l0": make_map(weights)}, probes, 0)
        assert picture.shape[1] < 1000
        shapes.add(picture.shape)
    assert len(shapes) == 1


def test_what_is_not_shown_of_many_tokens_stands_together():
    weights = np.full((2, 100), 0.001)
    weights[0, [3, 90]] = 0.4, 0.5
    weights[1, 70] = 0.9
    labels, shown = largest([f"t{i}" for i in range(100)], weights)
    assert len(labels) == shown.shape[1] == 65
    assert labels[-1] == "36 more"
    assert {"t3", "t70", "t90"} < set(labels)
    assert labels[:-1] == sorted(labels[:-1], key=lambda label: int(label[1:]))
    np.testing.assert_allclose(shown.sum(axis=1), weights.sum(axis=1))
