"""Other weights on the same entities: what is changed, what is kept, and what it does."""

import numpy as np
import pytest
import torch
from explain_samples import TWO_SETS, left_as_it_was, make_model, make_subject, states_of
from hypothesis import given
from hypothesis import strategies as st
from spaces_for_tests import SPACES

from rl_attention import record
from rl_attention.explain.mechanism import (
    MECHANISMS,
    changed_weights,
    measure_mechanisms,
    reach_of,
)
from rl_attention.explain.subject import Subject
from rl_attention.nn import MIXERS, POOLINGS, WEIGHTS, MultiHeadAttention, Probe
from rl_attention.recording import ProbeSet
from rl_attention.recording.locate import acting_extractor

MEMBERS = [
    *({"attention": name} for name in MIXERS),
    *({"pooling": name} for name in POOLINGS),
    *({"weights": name, "top_k": 2} for name in WEIGHTS),
    {"scope": "local", "place_columns": (2, 3), "radius": 1},
]


def name_of(member):
    return "-".join(str(value) for key, value in member.items() if key != "place_columns")


@st.composite
def weighed(draw):
    """Weights `2 H Q K` that are 0 where a key may not be read, and what may be read."""
    heads, queries, keys = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    reach = torch.rand(2, queries, keys, generator=generator) < draw(st.floats(0.0, 1.0))
    scores = 2 * torch.randn(2, heads, queries, keys, generator=generator, dtype=torch.float64)
    weights = scores.masked_fill(~reach[:, None], -1e300).softmax(dim=-1)
    return weights.masked_fill(~reach[:, None], 0.0), reach, generator


@given(weighed())
def test_what_every_change_keeps(given):
    weights, reach, generator = given
    for name, change in MECHANISMS.items():
        changed = change(weights.clone(), reach, generator)
        assert changed.shape == weights.shape, name
        assert torch.isfinite(changed).all(), name
        assert (changed >= 0).all(), name
        assert (changed.masked_select(~reach[:, None]) == 0).all(), name
        alone = name == "largest_zeroed"
        total = (reach.sum(dim=-1) > int(alone))[:, None].expand(weights.shape[:-1])
        torch.testing.assert_close(
            changed.sum(dim=-1), total.to(weights), atol=1e-9, rtol=0, msg=name
        )


@given(weighed())
def test_what_each_change_does(given):
    weights, reach, generator = given
    allowed = reach[:, None].expand(weights.shape)
    uniform = MECHANISMS["uniform"](weights, reach, generator)
    share = 1 / allowed.sum(dim=-1, keepdim=True).expand(weights.shape)
    torch.testing.assert_close(uniform[allowed], share[allowed].to(weights))
    permuted = MECHANISMS["permuted"](weights, reach, generator)
    assert torch.equal(permuted.sort(dim=-1).values, weights.sort(dim=-1).values)
    largest = weights.argmax(dim=-1, keepdim=True)
    erased = MECHANISMS["largest_zeroed"](weights, reach, generator)
    assert (erased.gather(-1, largest) == 0).all()
    chance = MECHANISMS["random_zeroed"](weights, reach, generator)
    several = allowed.sum(dim=-1) > 1
    gone = ((chance == 0) & (weights > 0)).sum(dim=-1)
    assert (gone == several).all()
    kept = chance.gather(-1, largest)[..., 0] >= weights.gather(-1, largest)[..., 0] - 1e-12
    assert kept.all()


def test_permutations_are_all_alike():
    weights = torch.tensor([0.5, 0.3, 0.2, 0.0]).expand(3000, 1, 1, 4)
    reach = torch.tensor([True, True, True, False]).expand(3000, 1, 4)
    generator = torch.Generator().manual_seed(0)
    found = MECHANISMS["permuted"](weights, reach, generator)[:, 0, 0]
    kinds, count = np.unique(found.numpy().round(3), axis=0, return_counts=True)
    assert len(kinds) == 6
    assert (abs(count - 500) < 100).all()
    assert (found[:, 3] == 0).all()


@pytest.mark.parametrize("space", ["everything", "cells", "entities and mask"])
def test_uniform_weights_change_nothing_where_they_are_uniform(space):
    subject = make_subject(space, "uniform", n_blocks=2)
    found = measure_mechanisms(subject)
    for name in ("uniform", "permuted"):
        assert found[name].distance.max() < 1e-6
        assert found[name].flip.max() == 0
    assert found["largest_zeroed"].distance.max() > 0


@pytest.mark.parametrize("member", MEMBERS, ids=name_of)
def test_every_member_takes_other_weights(member):
    subject = make_subject("everything", **member)
    found = measure_mechanisms(subject)
    assert list(found) == list(MECHANISMS)
    for name, mechanism in found.items():
        assert mechanism.distance.shape == mechanism.flip.shape == (len(subject),)
        assert mechanism.distance.dtype == mechanism.flip.dtype == np.float64
        assert np.isin(mechanism.flip, (0, 1)).all()
        assert (mechanism.distance >= 0).all()
        if member.get("weights") != "uniform" or "zeroed" in name:
            assert mechanism.distance.max() > 0, name
        assert mechanism.distance.max() <= np.log(2)


@pytest.mark.parametrize("algorithm", ["dqn", "sac", "td3"])
def test_every_kind_of_policy_can_be_asked(algorithm):
    found = measure_mechanisms(make_subject("entities and mask", algorithm=algorithm))
    assert all(mechanism.distance.max() > 0 for mechanism in found.values())


def test_an_entity_alone_is_all_that_can_be_read():
    """With one key, no other weights can be given; with none of it, much changes."""
    states = states_of(SPACES["entities and mask"], 6)
    states["mask"][:] = 1
    states["mask"][:3, 1:] = 0
    subject = Subject(make_model("entities and mask", n_blocks=0), ProbeSet(states))
    found = measure_mechanisms(subject)
    for name in ("uniform", "permuted", "random_zeroed"):
        assert found[name].distance[:3].max() < 1e-9, name
        assert found[name].distance[3:].min() > 1e-9, name
    assert found["largest_zeroed"].distance[:3].min() > 1e-6


@pytest.mark.parametrize(
    ("space", "options"),
    [
        ("everything", {}),
        ("everything", {"scope": "local", "place_columns": (2, 3), "radius": 1}),
        ("everything", {"attention": "ego"}),
        ("cells", {"scope": "local", "radius": 1}),
        ("cells", {"scope": "local", "radius": 3}),
        ("cells", {"attention": "latent"}),
        (TWO_SETS, {"entity_keys": ["allies", "rivals"]}),
    ],
    ids=str,
)
def test_what_may_be_read_is_what_a_softmax_gives_weight_to(space, options):
    model = make_model(space, **options)
    reach, seen = {}, {}

    def keep(module, given, named):
        reach[module.probe] = reach_of(given[1])

    def look(probe, given, weights):
        seen[probe] = given[0] > 0, given[1]

    handles = [
        *(
            module.register_forward_pre_hook(keep, with_kwargs=True)
            for module in model.policy.features_extractor.modules()
            if isinstance(module, MultiHeadAttention)
        ),
        *(
            module.register_forward_hook(look)
            for module in model.policy.features_extractor.modules()
            if isinstance(module, Probe)
        ),
    ]
    space = SPACES[space] if isinstance(space, str) else space
    with torch.no_grad():
        model.policy.predict(states_of(space, 6), deterministic=True)
    for handle in handles:
        handle.remove()
    assert len(seen) >= 2
    for probe, (weighed_keys, query_mask) in seen.items():
        real = query_mask
        every_head = weighed_keys.all(dim=1)
        assert torch.equal(every_head[real], weighed_keys.any(dim=1)[real])
        assert torch.equal(reach[probe][real], every_head[real]), probe


def test_the_recorder_sees_what_is_passed_on_and_the_network_uses_it():
    subject = make_subject("everything")
    extractor = acting_extractor(subject.model)
    probes = [module for module in extractor.modules() if isinstance(module, Probe)]
    before = record(subject.model, subject.raw)
    with changed_weights(extractor, probes, MECHANISMS["uniform"], torch.Generator()):
        after = record(subject.model, subject.raw)
    for name, found in after.items():
        rows = found.readout[:, 0]
        for row, real in zip(rows, found.key_mask, strict=True):
            np.testing.assert_allclose(row[real], 1 / real.sum(), atol=1e-6)
        assert np.abs(found.weights - before[name].weights).max() > 1e-3


def test_words_are_left_alone():
    subject = make_subject("everything", n_blocks=1)
    extractor = acting_extractor(subject.model)
    seen = []
    over_words = [
        module
        for module in extractor.modules()
        if isinstance(module, Probe) and module.keys == ("words",)
    ]
    assert over_words
    handles = [
        probe.register_forward_hook(lambda module, given, out: seen.append(out is given[0]))
        for probe in over_words
    ]
    measure_mechanisms(subject)
    for handle in handles:
        handle.remove()
    assert len(seen) > 0
    assert all(seen)


def test_nothing_to_change_where_nothing_attends():
    assert measure_mechanisms(make_subject("everything", "mlp")) == {}
    assert measure_mechanisms(make_subject("cells", "cnn")) == {}
    assert measure_mechanisms(make_subject("matrix", None)) == {}


def test_a_probe_of_somebody_elses_is_changed_too():
    found = measure_mechanisms(make_subject("entities and mask", "foreign"))
    assert found["uniform"].distance.max() > 0


def test_same_seed_same_result_and_no_trace():
    subject = make_subject("everything")
    subject.model.policy.set_training_mode(True)
    with left_as_it_was(subject.model):
        first = measure_mechanisms(subject)
    second = measure_mechanisms(subject)
    other = measure_mechanisms(make_subject("everything", seed=1))
    for name in MECHANISMS:
        np.testing.assert_array_equal(first[name].distance, second[name].distance)
    assert not np.array_equal(first["permuted"].distance, other["permuted"].distance)
