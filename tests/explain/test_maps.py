"""Maps: what each of them says, and what all of them keep to."""

import numpy as np
import pytest
import torch
from explain_samples import (
    TWO_SETS,
    left_as_it_was,
    make_model,
    make_subject,
    shuffled,
    states_of,
)
from spaces_for_tests import SPACES

from rl_attention import record
from rl_attention.errors import UserError
from rl_attention.explain.maps import MAPS, compute_maps
from rl_attention.explain.maps import recorded as recorded_module
from rl_attention.explain.maps.rollout import follow_back
from rl_attention.explain.subject import Subject
from rl_attention.nn import BLOCKS, MIXERS, POOLINGS, SCORES, WEIGHTS, MultiHeadAttention
from rl_attention.recording import AttentionMap, ProbeSet, label_layers
from rl_attention.recording.normalize import as_seen

RECORDED = ["attention", "rollout", "norm"]
MEMBERS = [
    *({"attention": name} for name in MIXERS),
    *({"pooling": name} for name in POOLINGS),
    *({"weights": name, "top_k": 2} for name in WEIGHTS),
    *({"score": name} for name in SCORES),
    *({"block": name, "n_blocks": 2} for name in BLOCKS),
    {"n_blocks": 0},
    {"scope": "local", "place_columns": (2, 3), "radius": 1},
    {"position": "relative", "place_columns": (2, 3)},
]
ATTENDING = [
    "entities and mask",
    "everything",
    "cells",
    "cells alone",
    "image in a dict",
    "history",
]


def name_of(member):
    return "-".join(str(value) for key, value in member.items() if key != "place_columns")


def check(subject, maps):
    for name, found in maps.items():
        assert found.shape == subject.present.shape, name
        assert found.dtype == np.float64, name
        assert np.isfinite(found[subject.present]).all(), name
        assert np.isnan(found[~subject.present]).all(), name


@pytest.mark.parametrize("member", MEMBERS, ids=name_of)
def test_every_member_gives_finite_maps_on_real_slots_and_nan_on_padding(member):
    subject = make_subject("everything", **member)
    maps = compute_maps(subject)
    check(subject, maps)
    assert not subject.present.all()
    heads = [name for name in maps if name.startswith("attention_l")]
    assert {"attention", "norm", "gradient", "integrated_gradients", "random"} <= maps.keys()
    assert len(heads) == 2
    together = np.mean([maps[name] for name in heads], axis=0)
    np.testing.assert_allclose(maps["attention"], together, atol=1e-12)


@pytest.mark.parametrize("space", ATTENDING)
def test_attention_is_what_the_recorder_saw_in_the_read_out(space):
    subject = make_subject(space)
    maps = compute_maps(subject, ["attention"])
    check(subject, maps)
    seen = label_layers(record(subject.model, subject.raw), subject.sizes)["l1"]
    assert seen.keys == ("entities",)
    real = subject.present
    for head in range(2):
        given = seen.readout[:, head]
        np.testing.assert_allclose(maps[f"attention_l1h{head}"][real], given[real], atol=1e-6)
        np.testing.assert_allclose(np.nansum(maps[f"attention_l1h{head}"], axis=1), 1, atol=1e-5)


def test_the_global_token_is_read_out_where_there_is_no_pooling_query():
    subject = make_subject("everything", pooling="mean", n_blocks=1)
    maps = compute_maps(subject, ["attention"])
    seen = label_layers(record(subject.model, subject.raw), subject.sizes)["l0"]
    assert seen.keys == ("global", "entities")
    real = subject.present
    given = seen.readout[:, 1, 1:]
    np.testing.assert_allclose(maps["attention_l0h1"][real], given[real], atol=1e-6)


@pytest.mark.parametrize(("arm", "space"), [("mlp", "everything"), ("cnn", "cells")])
def test_arms_without_attention_have_gradients_alone(arm, space):
    subject = make_subject(space, arm)
    maps = compute_maps(subject)
    check(subject, maps)
    assert list(maps) == ["gradient", "integrated_gradients", "random"]


def test_an_extractor_of_somebody_elses_is_asked_for_what_it_has():
    foreign = compute_maps(make_subject("entities and mask", "foreign"))
    assert list(foreign) == ["attention", "attention_l0h0", "random"]
    assert list(compute_maps(make_subject("matrix", None))) == ["random"]


def test_several_sets_lie_one_after_the_other():
    subject = make_subject(TWO_SETS, entity_keys=["allies", "rivals"])
    assert subject.present.shape[1] == 7
    maps = compute_maps(subject)
    check(subject, maps)
    seen = list(record(subject.model, subject.raw).values())[-1]
    real = subject.present
    np.testing.assert_allclose(maps["attention_l1h1"][real], seen.readout[:, 1][real], atol=1e-6)


@pytest.mark.parametrize("arm", ["attention", "uniform"])
def test_maps_move_with_the_entities(arm):
    first = make_subject("everything", arm)
    order = np.argsort(np.random.default_rng(1).random(first.present.shape), axis=1)
    second = Subject(first.model, ProbeSet(shuffled(first.raw, order)))
    names = [name for name in MAPS if name != "random"]
    one, other = compute_maps(first, names), compute_maps(second, names)
    assert len(one) >= 6
    for name in one:
        moved = np.take_along_axis(one[name], order, axis=1)
        scale = np.nanmax(np.abs(one[name]))
        np.testing.assert_allclose(other[name] / scale, moved / scale, atol=2e-5, err_msg=name)


def test_how_many_states_go_at_once_has_no_effect(monkeypatch):
    subject = make_subject("everything", n_states=5)
    whole = compute_maps(subject)
    monkeypatch.setattr(recorded_module, "_MOST_ROWS", 2)
    parts = compute_maps(subject)
    for name in RECORDED:
        np.testing.assert_allclose(parts[name], whole[name], atol=1e-6, err_msg=name)


def test_padding_has_no_effect():
    states = states_of(SPACES["everything"], 6)
    strange = {key: value.copy() for key, value in states.items()}
    hidden = states["mask"] == 0
    strange["entities"][hidden] = np.array([1, 1, 1, 1], np.int8)
    model = make_model("everything")
    plain, filled = (compute_maps(Subject(model, ProbeSet(s))) for s in (states, strange))
    for name in plain:
        np.testing.assert_allclose(filled[name], plain[name], atol=1e-6, err_msg=name)


def test_observations_are_normalised_as_the_policy_takes_them():
    model = make_model("entities and mask", normalise=True)
    model.get_env().obs_rms["entities"].mean += 0.5
    subject = Subject(model, ProbeSet(states_of(SPACES["entities and mask"], 6)))
    found = compute_maps(subject, ["attention"])["attention_l1h0"]
    real = subject.present

    def readout(batch):
        return list(record(model, batch).values())[-1].readout[:, 0]

    seen, raw = readout(as_seen(model, subject.raw)), readout(subject.raw)
    np.testing.assert_allclose(found[real], seen[real], atol=1e-6)
    assert np.abs(raw - seen)[real].max() > 1e-4


def test_rollout_by_hand():
    generator = np.random.default_rng(0)

    def layer(queries, keys, n_queries, n_keys):
        weights = generator.dirichlet(np.ones(n_keys), (2, 3, n_queries)).astype(np.float32)
        masks = np.ones((2, n_queries), bool), np.ones((2, n_keys), bool)
        return AttentionMap("x", weights, queries, keys, *masks)

    both = ("global", "entities")
    first, second = layer(both, both, 5, 5), layer(both, both, 5, 5)
    pooling = layer(("query",), ("entities",), 1, 4)

    def mixed(found):
        return 0.5 * found.weights.astype(float).mean(axis=1) + 0.5 * np.eye(5)

    start = np.concatenate([np.zeros((2, 1)), pooling.weights.astype(float).mean(axis=1)[:, 0]], 1)
    by_hand = np.stack([start[b] @ mixed(second)[b] @ mixed(first)[b] for b in range(2)])[:, 1:]
    found = follow_back(pooling, [first, second], {"entities": 4})
    np.testing.assert_allclose(found, by_hand, atol=1e-6)
    # the global token is read out: half of it stays what it was
    alone = np.stack([mixed(second)[b][0] @ mixed(first)[b] for b in range(2)])[:, 1:]
    np.testing.assert_allclose(follow_back(second, [first], {"entities": 4}), alone, atol=1e-6)


def test_rollout_over_layers_that_change_nothing_is_attention():
    weights = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3, 1)).astype(np.float32)
    real = np.ones((2, 4), bool)
    pooling = AttentionMap("x", weights, ("query",), ("entities",), real[:, :1], real)
    same = np.broadcast_to(np.eye(4, dtype=np.float32), (2, 3, 4, 4))
    layer = AttentionMap("y", same, ("entities",), ("entities",), real, real)
    found = follow_back(pooling, [layer, layer], {"entities": 4})
    np.testing.assert_allclose(found, weights.mean(axis=1)[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    "member", [{"n_blocks": 0}, {"attention": "ego"}, {"attention": "latent"}, {"pooling": "mean"}]
)
def test_rollout_is_absent_where_it_would_be_attention(member):
    assert "rollout" not in compute_maps(make_subject("everything", **member))


def test_uniform_weights_leave_nothing_to_tell_entities_apart():
    subject = make_subject("everything", "uniform", n_blocks=2)
    maps = compute_maps(subject, RECORDED)
    for name in ("attention", "rollout"):
        for row, real in zip(maps[name], subject.present, strict=True):
            assert len(set(row[real])) == 1, name


@torch.no_grad()
def test_norm_by_hand():
    subject = make_subject("everything")
    found = compute_maps(subject, ["norm"])["norm"]
    extractor = subject.model.policy.features_extractor
    attention = extractor.pooling.attention
    calls = []
    handle = attention.register_forward_hook(lambda module, given, out: calls.append((given, out)))
    weights = list(record(subject.model, subject.raw).values())[-1].readout
    handle.remove()
    (_, reading, keys), out = calls[-1]
    value_weight, value_bias = attention.key_content.weight[16:], attention.key_content.bias[16:]
    total = torch.zeros_like(out)
    for number in range(len(keys)):
        row, slot = int(reading.keys.row[number]), int(reading.keys.slot[number])
        value = value_weight @ keys[number] + value_bias
        part = torch.zeros(16)
        for head in range(2):
            here = slice(8 * head, 8 * head + 8)
            part += float(weights[row, head, slot]) * attention.output.weight[:, here] @ value[here]
        total[row] += part
        assert found[row, slot] == pytest.approx(float(part.norm()), rel=1e-4)
    # the parts are all that is read
    torch.testing.assert_close(total + attention.output.bias, out, atol=1e-5, rtol=1e-4)


def test_norm_needs_attention_of_ours():
    assert "norm" not in compute_maps(make_subject("entities and mask", "foreign"))
    assert isinstance(make_model().policy.features_extractor.pooling.attention, MultiHeadAttention)


def test_nearest_is_minus_the_distance_of_the_centres():
    boxes = np.zeros((6, 6, 4), np.int32)
    boxes[:, 0] = (0, 0, 10, 10)
    boxes[:, 1] = (35, 0, 45, 10)
    boxes[:, 2] = (0, 40, 10, 50)
    fields = {"boxes": boxes, "agent_boxes": np.tile([0, 0, 10, 10], (6, 1))}
    subject = make_subject("entities and mask", fields=fields)
    subject.present[:] = [True, True, True, True, False, False]
    found = compute_maps(subject, ["nearest"])["nearest"]
    # the fourth is outside the picture: as far as the farthest
    np.testing.assert_allclose(found[:, :4], np.tile([0.0, -35.0, -40.0, -40.0], (6, 1)))
    assert np.isnan(found[:, 4:]).all()
    assert compute_maps(make_subject("entities and mask"), ["nearest"]) == {}


def test_random_maps_follow_the_seed():
    one, same, other = (
        compute_maps(make_subject("entities and mask", seed=seed), ["random"])["random"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other, equal_nan=True)


def test_maps_are_chosen_by_name_and_come_in_the_order_of_the_registry():
    subject = make_subject("entities and mask")
    assert list(compute_maps(subject, ["random", "norm"])) == ["norm", "random"]
    assert compute_maps(subject, []) == {}
    with pytest.raises(UserError, match="did you mean 'rollout'"):
        compute_maps(subject, ["rolout"])


@pytest.mark.parametrize(
    ("arm", "space", "algorithm"),
    [
        ("attention", "everything", "ppo"),
        ("mlp", "everything", "ppo"),
        ("attention", "cells", "dqn"),
        ("attention", "everything", "sac"),
        ("attention", "matrix", "td3"),
    ],
)
def test_nothing_is_left_behind(arm, space, algorithm):
    subject = make_subject(space, arm, algorithm, n_states=3)
    subject.model.policy.set_training_mode(True)
    with left_as_it_was(subject.model):
        first = compute_maps(subject)
    second = compute_maps(subject)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
