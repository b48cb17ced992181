"""Exported, the network computes padding too, and gives what it gives without."""

from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from parts_for_tests import FAMILY
from spaces_for_tests import SPACES
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.extractors import EXTRACTORS
from rl_attention.nn.ragged import PaddedLayout, full_layout, layout_of

SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 16, "top_k": 2, "radius": 1}
PLACED = {
    "everything": {"place_columns": (2, 3)},
    "entities and mask": {"place_columns": (0, 1)},
    "matrix": {"place_columns": (0, 1)},
}
MEMBERS = [{axis: member} for axis, members in FAMILY.items() for member in members]
MASKS = {
    "entities": "mask",
    "cells": "mask",
    "history": "mask",
    "mission": "mission_mask",
    "allies": "allies_mask",
}
GARBAGE = (float("nan"), float("inf"), -1e30, 12345.0)


@contextmanager
def exporting():
    """What torch tells the network while it exports it."""
    with (
        patch("torch.compiler.is_exporting", return_value=True),
        patch("torch.compiler.is_compiling", return_value=True),
    ):
        yield


def batch_of(space, size=8, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(size)]
    if not isinstance(space, spaces.Dict):
        return preprocess_obs(torch.as_tensor(np.stack(samples)), space)
    stacked = {k: torch.as_tensor(np.stack([s[k] for s in samples])) for k in samples[0]}
    for key in set(MASKS.values()):
        if key in stacked:
            stacked[key][0] = 0  # a row without any real token
            stacked[key][1] = 1
    return preprocess_obs(stacked, space)


def spoil(observations, value):
    """Put something else into the padding."""
    if not isinstance(observations, dict):
        return observations
    spoiled = dict(observations)
    for key, mask in MASKS.items():
        if key in spoiled and mask in spoiled:
            values, hidden = spoiled[key], spoiled[mask] == 0
            axes = values.shape[1:] if key == "mission" else values.shape[1:-1]
            ends = [1] * (values.dim() - 1 - len(axes))
            spoiled[key] = values.masked_fill(hidden.view(-1, *axes, *ends), value)
    return spoiled


def cast(observations, dtype):
    if isinstance(observations, dict):
        return {key: values.to(dtype) for key, values in observations.items()}
    return observations.to(dtype)


def check_alike(extractor, observations, *, garbage=float("nan")):
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        extractor = extractor.to(dtype)
        given = cast(observations, dtype)
        with torch.no_grad():
            packed = extractor(given)
            with exporting():
                padded = extractor(spoil(given, garbage))
        torch.testing.assert_close(padded, packed, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: "-".join(*member.items()))
def test_each_member_gives_the_same_padded(member):
    tried = 0
    for name, space in SPACES.items():
        torch.manual_seed(0)
        options = {**SMALL, "n_blocks": 2, **PLACED.get(name, {}), **member}
        try:
            extractor = AttentionExtractor(space, **options)
        except UserError:
            continue
        check_alike(extractor, batch_of(space))
        tried += 1
    assert tried


@pytest.mark.parametrize("arm", ["uniform", "mlp", "cnn"])
def test_the_control_arms_give_the_same_padded(arm):
    for name in SPACES if arm != "cnn" else ("cells", "cells alone"):
        torch.manual_seed(0)
        check_alike(EXTRACTORS[arm](SPACES[name], width=8), batch_of(SPACES[name]))


@settings(max_examples=150)
@given(st.data())
def test_any_combination_gives_the_same_padded(data):
    space = data.draw(st.sampled_from(list(SPACES)))
    options = {axis: data.draw(st.sampled_from(list(m))) for axis, m in FAMILY.items()}
    options |= data.draw(st.sampled_from([{}, PLACED.get(space, {})]))
    torch.manual_seed(0)
    try:
        extractor = AttentionExtractor(
            SPACES[space], **SMALL, **options, n_blocks=data.draw(st.integers(0, 2))
        )
    except UserError:
        assume(False)
    if extractor.relations.bias is not None:
        torch.nn.init.normal_(extractor.relations.bias.table)
    observations = batch_of(SPACES[space], size=data.draw(st.integers(2, 9)))
    check_alike(extractor, observations, garbage=data.draw(st.sampled_from(GARBAGE)))


def test_several_sets_give_the_same_padded():
    space = spaces.Dict(
        allies=spaces.Box(-1.0, 1.0, (4, 3)),
        allies_mask=spaces.MultiBinary(4),
        enemies=spaces.Box(-1.0, 1.0, (5, 2)),
        speed=spaces.Box(-1.0, 1.0, (2,)),
    )
    for attention in ("self", "ego", "latent"):
        extractor = AttentionExtractor(
            space, **SMALL, entity_keys=["allies", "enemies"], attention=attention
        )
        check_alike(extractor, batch_of(space))


def test_a_learned_bias_is_the_same_padded():
    for name in ("everything", "cells", "history"):
        extractor = AttentionExtractor(
            SPACES[name], **SMALL, **PLACED.get(name, {}), position="relative", scope="local"
        )
        torch.nn.init.normal_(extractor.relations.bias.table)
        check_alike(extractor, batch_of(SPACES[name]))


@pytest.mark.parametrize("name", ["everything", "entities and mask"])
def test_gradients_are_the_same_padded(name):
    torch.manual_seed(0)
    extractor = AttentionExtractor(SPACES[name], **SMALL).double()
    observations = cast(batch_of(SPACES[name]), torch.float64)
    found = []
    for spoiled in (False, True):
        extractor.zero_grad()
        with exporting() if spoiled else nullcontext():
            features = extractor(spoil(observations, float("nan")) if spoiled else observations)
        (features * torch.linspace(-1, 1, 16, dtype=torch.float64)).sum().backward()
        found.append([parameter.grad.clone() for parameter in extractor.parameters()])
    torch.testing.assert_close(found[1], found[0], atol=1e-10, rtol=1e-10)


def test_no_word_and_no_entity_at_all_is_finite():
    observations = batch_of(SPACES["everything"])
    observations["mask"][:] = 0
    observations["mission_mask"][:] = 0
    for weights in FAMILY["weights"]:
        check_alike(
            AttentionExtractor(SPACES["everything"], **SMALL, weights=weights), observations
        )


masks = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda size: st.lists(
        st.lists(st.booleans(), min_size=size[1], max_size=size[1]),
        min_size=size[0],
        max_size=size[0],
    )
)


@given(masks, st.integers(0, 3))
def test_a_padded_layout_holds_what_a_packed_one_holds(flags, n_more):
    mask = torch.tensor(flags)
    values = torch.randn(*mask.shape, 2).masked_fill(~mask[..., None], float("nan"))
    more = torch.randn(len(mask), n_more + 1, 2)

    def lay_out():
        device = mask.device
        first, last = layout_of(mask, trim=False), full_layout(len(mask), n_more + 1, device)
        joint = first.then(last).then(first)
        packed = torch.cat([first.pack(values), last.pack(more), first.pack(values)])
        full = torch.cat([values, more, values], dim=1)
        again = joint.pad(joint.pack(full), value=7.0)
        return joint, joint.mask, joint.count, joint.pad(packed, value=7.0), again

    packed, *of_packed = lay_out()
    with exporting():
        padded, *of_padded = lay_out()
    assert isinstance(padded, PaddedLayout)
    assert not isinstance(packed, PaddedLayout)
    assert len(padded.row) == mask.numel() * 2 + more[..., 0].numel()
    for found, wanted in zip(of_padded, of_packed, strict=True):
        assert torch.equal(found, wanted)
