import numpy as np
import pytest

from rl_attention.recording import label_layers, summarise


@pytest.fixture
def layers(make_map):
    rng = np.random.default_rng(0)

    def softmax(*shape):
        e = np.exp(rng.normal(size=shape))
        return e / e.sum(axis=-1, keepdims=True)

    both = ("global", "entities")
    maps = {
        "words": make_map(softmax(2, 2, 1, 4), queries=("global",), keys=("words",)),
        "block": make_map(softmax(2, 2, 4, 4), queries=both, keys=both),
        "pool": make_map(softmax(2, 2, 1, 3)),
    }
    return label_layers(maps, {"entities": 3, "words": 4})


def test_tags(layers, full_probes):
    tags = set(summarise(layers, full_probes))
    expected = {f"attention/{m}" for m in ("entropy", "top1", "head_js", "drift")}
    for label in ("l0", "l1", "w0"):
        expected |= {f"attention/{m}_{label}" for m in ("head_js", "drift")}
        expected |= {f"attention/{m}_{label}h{h}" for m in ("entropy", "top1") for h in (0, 1)}
    expected |= {f"attention/mass_{kind}" for kind in ("key", "door", "ball")}
    assert tags == expected


def test_values_are_plain_floats_within_bounds(layers, full_probes):
    values = summarise(layers, full_probes, layers)
    assert all(type(value) is float and 0 <= value <= 1 for value in values.values())


def test_means_are_over_layers_over_entities(layers, full_probes):
    tags = summarise(layers, full_probes)
    by_head = [tags[f"attention/entropy_l{layer}h{head}"] for layer in (0, 1) for head in (0, 1)]
    assert tags["attention/entropy"] == pytest.approx(np.mean(by_head))
    by_layer = [tags["attention/head_js_l0"], tags["attention/head_js_l1"]]
    assert tags["attention/head_js"] == pytest.approx(np.mean(by_layer))


def test_drift_is_0_first_and_then_against_the_snapshot_before(layers, full_probes, make_map):
    assert summarise(layers, full_probes)["attention/drift"] == 0
    assert summarise(layers, full_probes, layers)["attention/drift"] == 0
    other = dict(layers, l1=make_map(np.flip(layers["l1"].weights, axis=-1)))
    tags = summarise(layers, full_probes, other)
    assert tags["attention/drift_l0"] == 0
    assert tags["attention/drift_l1"] > 0
    assert tags["attention/drift"] == pytest.approx(tags["attention/drift_l1"] / 2)


def test_a_network_that_reads_words_alone(layers, full_probes):
    tags = summarise({"w0": layers["w0"]}, full_probes)
    assert tags["attention/mass_words"] == pytest.approx(1)
    assert tags["attention/entropy"] > 0


def test_mass_is_that_of_the_last_layer_over_entities(layers, full_probes, make_map):
    even = np.full((2, 2, 1, 5), 0.2)
    latents = make_map(even, queries=("query",), keys=("latents",))
    found = {"l0": layers["l0"], "l1": layers["l1"], "l2": latents}
    before, after = (summarise(each, full_probes) for each in (layers, found))
    assert after["attention/mass_key"] == before["attention/mass_key"]
    assert "attention/mass_latents" not in after
