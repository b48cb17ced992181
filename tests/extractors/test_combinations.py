"""Any combination of options works as a whole, or is refused with the reason."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from parts_for_tests import FAMILY, opened
from spaces_for_tests import SPACES
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.extractors import CNNExtractor, MLPExtractor, UniformExtractor
from rl_attention.nn import Probe

SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 16, "top_k": 2, "radius": 1}
WHERE = ("everything", "matrix", "cells", "history", "past frames")


@st.composite
def choices(draw):
    options = {name: draw(st.sampled_from(list(known))) for name, known in FAMILY.items()}
    options["n_blocks"] = draw(st.integers(0, 2))
    options["place_columns"] = draw(st.sampled_from([None, (2, 3), (3,)]))
    return options


def batch_of(space, size=8, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(size)]
    if not isinstance(space, spaces.Dict):
        return preprocess_obs(torch.as_tensor(np.stack(samples)), space)
    stacked = {k: torch.as_tensor(np.stack([s[k] for s in samples])) for k in samples[0]}
    return preprocess_obs(stacked, space)


def check_reason(message, options):
    option, _, reason = message.partition(": ")
    assert option in options or "whole coordinates" in message
    assert reason
    assert "\n" not in message


@settings(max_examples=300)
@given(st.sampled_from(WHERE), choices())
def test_a_combination_works_as_a_whole_or_is_refused_with_the_reason(name, options):
    space = SPACES[name]
    torch.manual_seed(0)
    try:
        extractor = opened(AttentionExtractor(space, **SMALL, **options))
    except UserError as error:
        check_reason(str(error), options)
        return
    observations = batch_of(space)
    features = extractor(observations)
    assert features.shape == (8, 16)
    (features * torch.randn_like(features)).sum().backward()
    assert features.isfinite().all()
    parameters = dict(extractor.named_parameters())
    assert [n for n, p in parameters.items() if p.grad is None] == []
    # the key's bias changes no weight
    idle = [n for n, p in parameters.items() if not p.grad.any() and not n.endswith("key.bias")]
    # with few keys a sparse weight may be 1, whatever its score
    assert idle == [] or options["weights"] == "sparsemax"
    with torch.no_grad():
        assert torch.equal(extractor(observations), features)
        alone = batch_of(space)
        alone = {k: v[:1] for k, v in alone.items()} if isinstance(alone, dict) else alone[:1]
        torch.testing.assert_close(extractor(alone), features[:1], atol=1e-5, rtol=0)


@settings(max_examples=100)
@given(choices(), st.randoms(use_true_random=False))
def test_the_order_of_entities_has_no_effect_whatever_is_chosen(options, random):
    space = SPACES["everything"]
    torch.manual_seed(0)
    try:
        extractor = AttentionExtractor(space, **SMALL, **options)
    except UserError:
        return
    observations = batch_of(space)
    order = list(range(observations["mask"].shape[1]))
    random.shuffle(order)
    shuffled = {
        key: value[:, order] if key in ("entities", "mask") else value
        for key, value in observations.items()
    }
    # two entities that are the same may tie at the edge of top-k
    if options["weights"] != "topk":
        torch.testing.assert_close(extractor(shuffled), extractor(observations), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("matrix", {"attention": "words_to_entities"}, "attention: .* needs words"),
        ("matrix", {"attention": "entities_to_words"}, "attention: .* needs words"),
        ("cells", {"attention": "ego", "n_blocks": 0}, "n_blocks: expected at least 1"),
        ("cells", {"scope": "local", "attention": "latent"}, "scope: 'local' relates tokens"),
        ("cells", {"scope": "local", "n_blocks": 0}, "scope: 'local' needs blocks"),
        ("cells", {"position": "relative", "attention": "ego"}, "position: 'relative' relates"),
        (
            "cells",
            {"pooling": "mean", "n_blocks": 0},
            "pooling: 'mean' with n_blocks 0",
        ),
        ("cells", {"place_columns": (0,)}, "place_columns: 'cells' have a place of their own"),
        ("matrix", {"position": "learned"}, "position: 'learned' needs an order"),
        ("matrix", {"scope": "local"}, "scope: 'local' needs to know where the entities are"),
        ("matrix", {"position": "sinusoidal", "place_columns": (0, 1)}, "whole coordinates"),
        ("matrix", {"scope": "local", "place_columns": (0, 4)}, "different columns from 0 to 3"),
        ("matrix", {"scope": "local", "place_columns": (1, 1)}, "different columns from 0 to 3"),
        ("matrix", {"scope": "near"}, "scope must be one of global, local, got 'near'"),
        ("matrix", {"pooling": "sum"}, "pooling must be one of learned_query, .*, got 'sum'"),
        ("matrix", {"radius": 0}, "radius must be a finite number above 0, got 0"),
        ("matrix", {"radius": float("nan")}, "radius must be a finite number above 0, got nan"),
        ("cells", {"radius": 0.5}, "radius must be at least 1 for 'cells', got 0.5"),
        ("matrix", {"n_latents": 0}, "n_latents must be a whole number of at least 1, got 0"),
        ("matrix", {"n_blocks": 1.0}, "n_blocks must be a whole number of at least 0, got 1.0"),
        ("matrix", {"n_blocks": True}, "n_blocks must be a whole number"),
        ("matrix", {"width": 0}, "width must be a whole number of at least 1, got 0"),
        ("matrix", {"place_columns": 3}, "place_columns must be the numbers of columns"),
        ("matrix", {"place_columns": "23"}, "place_columns must be the numbers of columns"),
        ("matrix", {"place_columns": (True,)}, "place_columns must be the numbers of columns"),
        ("matrix", {"place_columns": (2.0,)}, "place_columns must be the numbers of columns"),
        (
            "everything",
            {"attention": "words_to_entities", "pooling": "ego", "n_blocks": 0},
            "pooling: 'ego' with attention 'words_to_entities' needs a block",
        ),
        ("cells", {"scope": "local", "pooling": "ego"}, "scope: 'local' has no effect"),
        ("cells", {"position": "relative", "pooling": "ego"}, "position: 'relative' has no effect"),
        (
            "everything",
            {"position": "sinusoidal", "place_columns": (2, 3), "width": 3, "n_heads": 1},
            "position 'sinusoidal' needs a width of at least 2",
        ),
    ],
)
def test_refusals_name_the_option_and_what_to_do(name, options, message):
    with pytest.raises(ValueError, match=message):
        AttentionExtractor(SPACES[name], **options)


@pytest.mark.parametrize("extractor", [MLPExtractor, CNNExtractor])
def test_control_arms_refuse_the_same_positions(extractor):
    with pytest.raises(ValueError, match="position must be one of auto, none"):
        extractor(SPACES["cells"], position="bogus")
    with pytest.raises(UserError, match="place_columns: 'cells' have a place of their own"):
        extractor(SPACES["cells"], place_columns=(1,))


@pytest.mark.parametrize("option", [{"score": "cosine"}, {"weights": "softmax"}, {"top_k": 3}])
def test_uniform_weights_take_no_options_of_weights(option):
    with pytest.raises(UserError, match="uniform weights need none"):
        UniformExtractor(SPACES["matrix"], **option)


def test_a_place_out_of_bounds_is_named():
    space = spaces.Dict(entities=spaces.Box(0, 1000, (5, 2), np.int32), mask=spaces.MultiBinary(5))
    extractor = AttentionExtractor(space, position="relative", place_columns=(0,))
    rows = torch.zeros(1, 5, 2)
    extractor({"entities": rows, "mask": torch.ones(1, 5)})
    for value in (5000.0, -1.0, 300.7):
        rows[0, 1, 0] = value
        with pytest.raises(UserError, match="holds a coordinate outside the bounds"):
            extractor({"entities": rows, "mask": torch.ones(1, 5)})
        extractor({"entities": rows, "mask": torch.tensor([[1.0, 0, 1, 1, 1]])})


def test_no_parameter_has_a_name_that_trpo_leaves_out():
    extractor = AttentionExtractor(SPACES["everything"], **SMALL)
    assert [n for n, _ in extractor.named_parameters() if "value" in n] == []


def test_double_precision_all_through():
    extractor = AttentionExtractor(SPACES["everything"], **SMALL).double()
    observations = {key: value.double() for key, value in batch_of(SPACES["everything"]).items()}
    assert extractor(observations).dtype == torch.float64


def test_local_reads_by_the_numbers_of_the_columns_even_where_they_are_no_whole_ones():
    space = SPACES["matrix"]
    torch.manual_seed(0)
    extractor = AttentionExtractor(
        space, **{**SMALL, "radius": 2}, scope="local", place_columns=(0,), pooling="mean"
    )
    seen = []
    probe = extractor.mixer.blocks.blocks[0].attention.probe
    probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    rows = torch.zeros(1, 6, 4)
    rows[0, :, 0] = torch.tensor([0.0, 0.5, 1.9, 2.1, 4.0, -9.0])
    extractor(rows)
    reads = (seen[0][0, 0, 1:, 1:] > 0).int().tolist()
    assert reads[0] == [1, 1, 1, 0, 0, 0]
    assert reads[3] == [0, 1, 1, 1, 1, 0]
    assert reads[5] == [0, 0, 0, 0, 0, 1]


def test_the_window_of_a_history_is_counted_in_rows():
    torch.manual_seed(0)
    extractor = AttentionExtractor(SPACES["history"], **SMALL, scope="local")
    seen = []
    probe = extractor.mixer.blocks.blocks[0].attention.probe
    probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    observations = batch_of(SPACES["history"], size=1)
    observations["mask"][:] = 1.0
    extractor(observations)
    reads = seen[0][0, 0, 1:, 1:] > 0
    distance = (torch.arange(6)[:, None] - torch.arange(6)).abs()
    assert torch.equal(reads, distance <= 1)


def test_the_order_of_a_history_counts_but_not_without_positions():
    observations = batch_of(SPACES["history"])
    turned = {**observations, "history": observations["history"].flip(1)}
    turned["mask"] = observations["mask"].flip(1)
    for position, same in (("auto", False), ("sinusoidal", False), ("none", True)):
        torch.manual_seed(0)
        extractor = AttentionExtractor(SPACES["history"], **SMALL, position=position)
        found = torch.allclose(extractor(turned), extractor(observations), atol=1e-5)
        assert found == same, position


@pytest.mark.parametrize("attention", ["latent", "ego"])
def test_latents_and_ego_cost_no_pairs_of_entities(attention):
    extractor = AttentionExtractor(SPACES["everything"], **SMALL, attention=attention)
    shapes = []
    for module in extractor.modules():
        if isinstance(module, Probe):
            module.register_forward_hook(lambda m, _i, _o: shapes.append((m.queries, m.keys)))
    extractor(batch_of(SPACES["everything"]))
    assert not any("entities" in queries for queries, _ in shapes)
    assert any("entities" in keys for _, keys in shapes)
