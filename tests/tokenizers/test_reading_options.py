"""Which rows are real, which columns are ids, which keys are sets: as the options say."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces_for_tests import symbol_box
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack
from worlds_for_tests import SMALL, TYPES, WORLDS, MaskedEnv, frames, observe, presence, types

from rl_attention import AttentionExtractor, MLPExtractor
from rl_attention.errors import UserError
from rl_attention.tokenizers import ObservationTokenizer, TokenOptions, read_schema
from rl_attention.tokenizers.stacking import unstack

MATRIX = spaces.Box(-np.inf, np.inf, (5, 3))


def extractor(space, **options):
    torch.manual_seed(0)
    return AttentionExtractor(space, **SMALL, **options)


def tensors(space, count=4, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(count)]
    if isinstance(samples[0], dict):
        stacked = {k: torch.as_tensor(np.stack([s[k] for s in samples])) for k in samples[0]}
    else:
        stacked = torch.as_tensor(np.stack(samples))
    return preprocess_obs(stacked, space)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    real=st.lists(st.booleans(), min_size=5, max_size=5),
    garbage=st.floats(-1e6, 1e6),
    order=st.permutations(range(5)),
)
def test_a_presence_column_is_as_good_as_a_mask(real, garbage, order):
    flags = torch.tensor(real).float()
    rows = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(1))
    rows[..., 0] = flags
    features = extractor(MATRIX, presence_column=0)
    masked = spaces.Dict(entities=MATRIX, mask=spaces.MultiBinary(5))
    expected = extractor(masked)({"entities": rows, "mask": flags[None]})
    torch.testing.assert_close(features(rows), expected)
    other = rows.clone()
    other[0, ~flags.bool(), 1:] = garbage
    torch.testing.assert_close(features(other[:, list(order)]), expected, atol=1e-5, rtol=1e-5)


def test_a_presence_column_holds_flags_alone():
    rows = torch.rand(2, 5, 3)
    with pytest.raises(UserError, match=r"'observation\[\.\.\., 2\]' must hold 0 and 1 alone"):
        extractor(MATRIX, presence_column=2)(rows)


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        (
            MATRIX,
            {"presence_column": 3},
            "presence_column: expected columns of 'observation', 0 to",
        ),
        (MATRIX, {"presence_column": -1}, "presence_column: expected a whole number of at least 0"),
        (MATRIX, {"presence_column": {"cars": 0}}, "presence_column: expected keys of sets, obser"),
        (MATRIX, {"categorical_columns": [1]}, "column 1 of 'observation', .* got -inf to inf"),
        (MATRIX, {"categorical_columns": [7]}, "categorical_columns: expected columns of"),
        (MATRIX, {"categorical_columns": 1}, "categorical_columns must be the numbers of columns"),
        (MATRIX, {"entity_keys": ["cars"]}, r"is a Box of shape \(5, 3\) and has no keys"),
        (MATRIX, {"kind": "cells"}, "kind: 'cells' needs a Box with 3 axes"),
        (MATRIX, {"kind": "cars"}, "kind: expected one of entities, cells, pixels, history"),
        (MATRIX, {"n_stack": 2}, r"n_stack: observation key 'observation' of shape \(5, 3\)"),
        (MATRIX, {"n_stack": 0}, "n_stack: expected a whole number of at least 1"),
        (types(), {}, r"say which keys hold them by entity_keys, as entity_keys=\['allies', 'ene"),
        (types(), {"entity_keys": "allies"}, "entity_keys: expected a list of different keys"),
        (types(), {"entity_keys": []}, "entity_keys: expected a list of different keys"),
        (types(), {"entity_keys": ["foes"]}, "entity_keys: expected keys of the observation, alli"),
        (
            types(),
            {"entity_keys": ["own"]},
            "entity_keys: expected keys that hold a Box with 2 axe",
        ),
        (
            types(),
            {**TYPES, "presence_column": 0},
            "'enemies' has a mask already, key 'enemies_mas",
        ),
        (
            types(),
            {**TYPES, "position": "relative"},
            "position: 'relative' needs tokens that lie i",
        ),
        (types(), {**TYPES, "scope": "local"}, "scope: 'local' needs tokens that lie in one space"),
        (
            types(),
            {**TYPES, "place_columns": [0]},
            "place_columns: .* needs tokens that lie in one",
        ),
        (
            spaces.Box(0, 255, (16, 16, 3), np.uint8),
            {"presence_column": 0},
            "presence_column: an image has no columns",
        ),
        (
            spaces.Dict(a=MATRIX, b=MATRIX, mask=spaces.MultiBinary(5)),
            {"entity_keys": ["a", "b"]},
            "'mask' does not say which of the sets a, b it is of: name it a_mask",
        ),
        (spaces.Box(-1, 1, (4,)), {}, "FrameStackObservation and set kind='history'"),
        (
            spaces.Box(0, 1, (16, 16, 3)),
            {},
            "cannot tell what a Box of shape .16, 16, 3. and type flo",
        ),
        (spaces.Box(0, 9, (64, 64, 3), int), {}, "cannot tell what a Box of shape .64, 64, 3."),
        (spaces.Box(0, 1, (0, 3)), {}, r"'observation' of shape \(0, 3\) can hold no token"),
        (spaces.Box(0, 1, (3, 0)), {}, r"'observation' of shape \(3, 0\) can hold no token"),
        (presence(), {"n_stack": 2}, "does not hold 2 frames side by side"),
        (
            spaces.Dict(e=MATRIX, camera=spaces.Box(0, 255, (16, 16, 3), np.uint8)),
            {"entity_keys": ["e", "camera"], "presence_column": {"camera": 0}},
            "presence_column: an image has no columns",
        ),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(space, options, message):
    with pytest.raises((UserError, ValueError), match=message) as caught:
        extractor(space, **options)
    assert "\n" not in str(caught.value)


def test_ids_in_a_float_box_get_a_vector_each():
    space = presence()  # column 1 has the bounds 0 and 1
    plain, told = extractor(space), extractor(space, categorical_columns=[1])
    assert not plain.tokenizer.entities.encoder.symbols
    assert told.tokenizer.entities.encoder.symbols == [1]
    rows = tensors(space)
    with pytest.raises(UserError, match="a symbol outside the bounds"):
        told(rows)
    rows[..., 1] = rows[..., 1].round()
    assert told(rows).isfinite().all()


def test_each_type_of_entity_has_columns_of_its_own():
    tokenizer = ObservationTokenizer(types(), TokenOptions(8, **TYPES))
    assert tokenizer.schema.kind == "mixed"
    assert [found.mask_key for found in tokenizer.schema.sets] == [None, "enemies_mask"]
    assert set(tokenizer.schema.global_spaces) == {"own", "stance"}
    seen = tensors(types())
    tokens, layout = tokenizer(seen).entities
    assert layout.n_slots == tokenizer.n_tokens == 9
    torch.testing.assert_close(layout.count, 3 + seen["enemies_mask"].sum(dim=1).long())
    assert tokens.shape == (int(layout.count.sum()), 8)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(order=st.permutations(range(6)), friends=st.permutations(range(3)), seed=st.integers(0, 99))
def test_the_order_within_each_type_changes_nothing(order, friends, seed):
    features = extractor(types(), **TYPES)
    seen = tensors(types(), seed=seed)
    turned = dict(seen)
    turned["allies"] = seen["allies"][:, friends]
    turned["enemies"] = seen["enemies"][:, order]
    turned["enemies_mask"] = seen["enemies_mask"][:, order]
    torch.testing.assert_close(features(turned), features(seen), atol=1e-5, rtol=1e-5)


def test_a_type_is_told_from_another_with_the_same_columns():
    space = spaces.Dict(a=MATRIX, b=MATRIX)
    features = extractor(space, entity_keys=["a", "b"])
    seen = tensors(space)
    swapped = {"a": seen["b"], "b": seen["a"]}
    assert (features(swapped) - features(seen)).abs().max() > 1e-3


def test_an_option_may_differ_from_key_to_key():
    space = spaces.Dict(a=presence(), b=presence())
    options = TokenOptions(8, entity_keys=["a", "b"], presence_column={"b": 1})
    tokenizer = ObservationTokenizer(space, options)
    seen = tensors(space)
    seen["b"][..., 1] = 0.0
    assert tokenizer(seen).entities.layout.count.tolist() == [6] * 4


def test_stacked_bounds_are_put_in_order():
    env = VecFrameStack(DummyVecEnv([lambda: MaskedEnv(frames())]), 2)
    space = unstack(env.observation_space, 2)
    single = symbol_box(6)
    low = np.minimum(np.tile(single.low, 2), 0)
    np.testing.assert_array_equal(space["entities"].low, low)
    np.testing.assert_array_equal(space["entities"].high, np.tile(single.high, 2))
    assert space["mask"].shape == (6,)
    assert space["mission"].shape == (7,)
    assert space["speed"].shape == (4,)


def test_of_stacked_frames_the_newest_mask_counts():
    world = WORLDS["stacked entities, masks and words"]
    env = world.make()
    seen = preprocess_obs(
        {key: torch.as_tensor(values) for key, values in observe(env).items()},
        env.observation_space,
    )
    features = extractor(env.observation_space, **world.options)
    expected = features(seen)
    older = dict(seen)
    older["mask"] = seen["mask"].clone()
    older["mask"][:, :6] = 1 - older["mask"][:, :6]
    older["mission"] = seen["mission"].clone()
    older["mission"][:, :7] = 0
    torch.testing.assert_close(features(older), expected)
    newer = dict(seen, mask=seen["mask"].clone())
    newer["mask"][:, 6:] = 1
    assert (features(newer) - expected).abs().max() > 1e-4


def test_without_n_stack_the_error_names_it():
    env = WORLDS["stacked entities, masks and words"].make()
    with pytest.raises(UserError, match="of 2 frames stacked by VecFrameStack, set n_stack=2"):
        extractor(env.observation_space)


def test_past_vectors_are_tokens_with_a_place():
    space = spaces.Box(-1.0, 1.0, (4, 3))
    features = extractor(space, kind="history")
    rows = tensors(space)
    assert (features(rows.flip(1)) - features(rows)).abs().max() > 1e-3
    assert read_schema(space, TokenOptions(kind="history")).kind == "history"


@pytest.mark.parametrize("world", WORLDS)
def test_the_mlp_reads_the_same_tokens(world):
    env = WORLDS[world].make()
    space = env.observation_space
    ours = AttentionExtractor(space, **SMALL, **WORLDS[world].options)
    mlp = MLPExtractor(space, width=16, **WORLDS[world].options)
    assert mlp.tokenizer.n_tokens == ours.tokenizer.n_tokens
    assert mlp.tokenizer.schema == ours.tokenizer.schema


def test_options_come_out_of_json_as_they_went_in():
    options = TokenOptions(entity_keys=["a", "b"], presence_column={"a": 0})
    again = TokenOptions(entity_keys=("a", "b"), presence_column={"a": 0})
    assert options == again


def test_a_mask_beside_sets_with_masks_of_their_own_is_no_mask():
    space = spaces.Dict(
        a=MATRIX,
        a_mask=spaces.MultiBinary(5),
        b=MATRIX,
        b_mask=spaces.MultiBinary(5),
        mask=spaces.MultiBinary(3),
    )
    schema = read_schema(space, TokenOptions(entity_keys=["a", "b"]))
    assert set(schema.global_spaces) == {"mask"}


def test_a_set_keeps_all_its_frames_whatever_it_is_called():
    space = spaces.Dict(gas_mask=MATRIX, mission=spaces.Box(0, 5, (4, 2), np.int64))
    env = VecFrameStack(DummyVecEnv([lambda: MaskedEnv(space)]), 3)
    keys = ["gas_mask", "mission"]
    options = TokenOptions(8, entity_keys=keys, n_stack=3, presence_column={"gas_mask": 2})
    tokenizer = ObservationTokenizer(env.observation_space, options)
    seen = {key: torch.zeros(1, *part.shape) for key, part in env.observation_space.items()}
    seen["gas_mask"][0, :2, 8] = 1  # the newest frame
    seen["gas_mask"][0, :, 2] = 1
    _, layout = tokenizer(seen).entities
    assert layout.count.tolist() == [2 + 4]


def test_any_number_of_rows_is_read_without_a_mask():
    features = extractor(MATRIX)
    rows = torch.randn(2, 9, 3)
    few = features(rows[:, :2])
    assert few.isfinite().all()
    assert (features(rows) - features(rows[:, :5])).abs().max() > 1e-4


def test_an_image_of_floats_is_scaled_by_its_bounds():
    bytes_, floats = (spaces.Box(0, 255, (3, 16, 16), kind) for kind in (np.uint8, np.float32))
    image = torch.randint(0, 256, (2, 3, 16, 16)).float()
    expected = extractor(bytes_)(image / 255)  # as Stable-Baselines3 hands it over
    torch.testing.assert_close(extractor(floats, kind="pixels")(image), expected)


def test_the_numbers_of_the_global_token_are_scaled():
    near, far = (spaces.Dict(e=MATRIX, place=spaces.Box(0, high, (2,))) for high in (2, 2000))
    place, rows = torch.rand(3, 2), torch.randn(3, 5, 3)
    features = [
        extractor(space, entity_keys=["e"])({"e": rows, "place": place * high})
        for space, high in ((near, 2), (far, 2000))
    ]
    torch.testing.assert_close(*features)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bogus": 1}, "MLPExtractor: got an unexpected option 'bogus'; it takes width"),
        ({"n_stak": 2}, "did you mean 'n_stack'"),
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"patch_size": -8}, "patch_size must be a whole number of at least 1, got -8"),
        ({"hidden": "4"}, "hidden must be a whole number of at least 1, got '4'"),
        ({"slot": 0}, "slot must be a whole number of at least 1, got 0"),
        ({"features_dim": 0}, "features_dim must be a whole number of at least 1, got 0"),
    ],
)
def test_the_mlp_checks_its_options(options, message):
    with pytest.raises((UserError, ValueError), match=message):
        MLPExtractor(MATRIX, **options)
