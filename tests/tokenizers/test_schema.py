"""Which key of a space is taken for what."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rl_attention.errors import UserError
from rl_attention.tokenizers import ObservationTokenizer, TokenOptions
from rl_attention.tokenizers.schema import read_schema

ENTITIES = spaces.Box(-1.0, 1.0, (6, 4))


@pytest.mark.parametrize(
    ("mission", "words"),
    [
        (spaces.Box(0, 20, (5,), np.int16), True),
        (spaces.Box(0.0, 1.0, (5,)), False),  # the vector of a sentence is no row of word ids
        (spaces.Box(-np.inf, np.inf, (5,)), False),
        (spaces.Box(0, 20, (5, 2), np.int16), False),
        (spaces.MultiDiscrete([20] * 5), False),
    ],
)
def test_words_are_rows_of_whole_numbers(mission, words):
    schema = read_schema(spaces.Dict(entities=ENTITIES, mission=mission))
    assert (schema.words_space is not None) == words
    assert ("mission" in schema.global_spaces) == (not words)


@pytest.mark.parametrize(
    "mask",
    [
        spaces.MultiBinary(6),
        spaces.Box(0.0, 1.0, (6,)),
        spaces.Box(0, 1, (6, 1), np.uint8),
        spaces.Box(0, 1, (6,), bool),
    ],
)
def test_flags_may_come_in_several_kinds(mask):
    (found,) = read_schema(spaces.Dict(entities=ENTITIES, mask=mask)).sets
    assert found.mask_key == "mask"


@pytest.mark.parametrize(
    ("mask", "mission_mask", "message"),
    [
        (spaces.Discrete(6), None, "'mask' must be a MultiBinary or a Box"),
        (spaces.MultiDiscrete([2, 2, 2]), None, "each of the 6 tokens of 'entities'"),
        (spaces.MultiBinary(6), spaces.MultiBinary(4), "each of the 5 tokens of 'mission'"),
    ],
)
def test_flags_that_fit_no_token_are_refused(mask, mission_mask, message):
    parts = {"entities": ENTITIES, "mask": mask}
    if mission_mask is not None:
        parts |= {"mission": spaces.Box(0, 9, (5,), np.int16), "mission_mask": mission_mask}
    with pytest.raises(UserError, match=message):
        read_schema(spaces.Dict(parts))


def test_a_number_without_axes_is_a_part_of_the_summary():
    space = spaces.Dict(
        entities=ENTITIES, level=spaces.Box(-1.0, 1.0, ()), speed=spaces.Box(-1.0, 1.0, (2,))
    )
    tokenizer = ObservationTokenizer(space, TokenOptions(8))
    batch = {"entities": torch.zeros(3, 6, 4), "level": torch.rand(3), "speed": torch.rand(3, 2)}
    summary = tokenizer(batch).summary
    assert summary.shape == (3, 8)
    assert not torch.equal(summary[0], summary[1])


def test_a_mask_beside_pixels_is_refused():
    space = spaces.Dict(
        pixels=spaces.Box(0, 255, (16, 16, 3), np.uint8), mask=spaces.MultiBinary(4)
    )
    with pytest.raises(UserError, match="'mask' means nothing beside 'pixels'"):
        read_schema(space)
