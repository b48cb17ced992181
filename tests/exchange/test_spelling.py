"""Options and spaces that say the same in other words fit; those that say another thing do not."""

import numpy as np
import pytest
import torch
from exchange_for_tests import TINY, same, scatter, weights
from gymnasium import spaces

from rl_attention import AttentionExtractor, load_extractor, save_extractor
from rl_attention.errors import UserError
from rl_attention.exchange.spaces import describe

ROWS = spaces.Box(np.zeros((4, 3), np.float32), np.tile(np.float32([1, 5, 5]), (4, 1)))
ONE = spaces.Dict(a=ROWS)
TWO = spaces.Dict(a=ROWS, b=ROWS)
CELLS = spaces.Box(0, 3, (3, 4, 2), np.int8)


def move(tmp_path, stored, ours):
    """From one extractor to another: pairs of a space and options."""
    one, other = (AttentionExtractor(space, **TINY, **options) for space, options in (stored, ours))
    scatter(one)
    path = tmp_path / "e.safetensors"
    save_extractor(one, path)
    load_extractor(path, other)
    assert same(weights(one), weights(other))


SAME = {
    "kind": (ROWS, {}, {"kind": "entities"}),
    "kind by key": (ONE, {"entity_keys": ["a"]}, {"entity_keys": ["a"], "kind": {"a": "entities"}}),
    "kind of cells": (CELLS, {}, {"kind": {"observation": "cells"}}),
    "presence": (
        ONE,
        {"entity_keys": ["a"], "presence_column": 0},
        {"entity_keys": ["a"], "presence_column": {"a": 0}},
    ),
    "order of columns": (
        ROWS,
        {"categorical_columns": [1, 2]},
        {"categorical_columns": {"observation": [2, 1]}},
    ),
    "no columns": (ROWS, {"categorical_columns": []}, {}),
    "keys": (spaces.Dict(entities=ROWS), {}, {"entity_keys": ["entities"]}),
    "position of cells": (CELLS, {}, {"position": "learned"}),
    "position of entities": (ROWS, {}, {"position": "none"}),
}


@pytest.mark.parametrize(("space", "one", "other"), SAME.values(), ids=SAME)
def test_the_same_in_other_words(space, one, other, tmp_path):
    move(tmp_path, (space, one), (space, other))
    move(tmp_path, (space, other), (space, one))


KEYS = {"entity_keys": ["a", "b"]}
OTHER = {
    "presence of one": (
        TWO,
        KEYS | {"presence_column": 0},
        KEYS | {"presence_column": {"a": 0}},
        "presence_column",
    ),
    "presence": (ROWS, {"presence_column": 0}, {"presence_column": None}, "presence_column=None"),
    "columns": (ROWS, {"categorical_columns": [1]}, {}, "categorical_columns=None"),
    "order of keys": (TWO, KEYS, {"entity_keys": ["b", "a"]}, r"expected entity_keys=\['b', 'a'\]"),
    "kind": (ROWS, {"kind": "history"}, {}, "expected kind=None, got kind='history'"),
    "position": (CELLS, {}, {"position": "none"}, "expected position='none', got position='auto'"),
}


@pytest.mark.parametrize(("space", "one", "other", "message"), OTHER.values(), ids=OTHER)
def test_another_thing(space, one, other, message, tmp_path):
    with pytest.raises(UserError, match=message):
        move(tmp_path, (space, one), (space, other))


def masked(rows, mask):
    return spaces.Dict(entities=spaces.Box(-1, 1, (rows, 3)), mask=mask)


@pytest.mark.parametrize("rows", [4, 6])
@pytest.mark.parametrize("dtype", [np.int8, np.float32, bool])
def test_a_mask_is_a_mask_whatever_its_type(rows, dtype, tmp_path):
    flags = masked(4, spaces.MultiBinary(4))
    box = masked(rows, spaces.Box(0, 1, (rows,), dtype))
    move(tmp_path, (flags, {}), (box, {}))
    move(tmp_path, (box, {}), (flags, {}))


def acting(actions):
    rows = spaces.Box(-1, 1, (4, 3))
    return spaces.Dict(entities=rows, action_mask=spaces.MultiBinary(actions))


def test_a_key_that_masks_no_token_is_named(tmp_path):
    with pytest.raises(UserError, match=r"'action_mask': expected shape \[6\], got \[4\]: its wei"):
        move(tmp_path, (acting(4), {}), (acting(6), {}))


def test_weights_of_another_type_are_to_be_converted(tmp_path):
    path = tmp_path / "e.safetensors"
    one, other = (AttentionExtractor(ROWS, **TINY) for _ in range(2))
    save_extractor(one.double(), path)
    with pytest.raises(UserError, match=r"got F64 .*: bring both to one type, as by .*\.float\(\)"):
        load_extractor(path, other)
    save_extractor(one.to(torch.float32), path)
    load_extractor(path, other)


def test_a_space_without_numbers_can_be_described():
    empty = describe(spaces.Dict(rest=spaces.Box(0, 1, (0,)), rows=ROWS))["rest"]
    assert empty["shape"] == [0]
    assert empty["low"] == empty["high"] == []
