"""Columns are read as their bounds say."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.errors import UserError
from rl_attention.nn import embedding
from rl_attention.tokenizers.columns import ColumnEncoder
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.sets import (
    CellTokenizer,
    EntityTokenizer,
    HistoryTokenizer,
    PatchTokenizer,
)


def encode(space, rows, seed=0):
    torch.manual_seed(seed)
    encoder = ColumnEncoder(space, 6, name="entities")
    return encoder(torch.as_tensor(rows, dtype=torch.float32))


@given(st.integers(-100, 100), st.integers(0, 200), st.data())
def test_every_symbol_within_the_bounds_has_a_vector_of_its_own(low, extra, data):
    space = spaces.Box(low, low + extra, (1, 1), dtype=np.int16)
    symbols = data.draw(st.lists(st.integers(low, low + extra), min_size=1, max_size=5))
    vectors = encode(space, [[s] for s in symbols])
    for a, first in zip(symbols, vectors, strict=True):
        for b, second in zip(symbols, vectors, strict=True):
            assert torch.equal(first, second) == (a == b)


def test_bounds_decide_what_is_a_symbol():
    low = np.array([[0, -500, 2]])
    high = np.array([[10, 500, 2]])
    encoder = ColumnEncoder(spaces.Box(low, high, dtype=np.int32), 6, name="entities")
    assert (encoder.symbols, encoder.numbers) == ([0, 2], [1])
    floats = ColumnEncoder(spaces.Box(0.0, 1.0, (4, 3)), 6, name="entities")
    assert (floats.symbols, floats.numbers) == ([], [0, 1, 2])


def test_numbers_are_scaled_by_finite_bounds_only():
    encoder = ColumnEncoder(
        spaces.Box(np.array([[0.0, -np.inf]]), np.array([[4.0, np.inf]]), dtype=np.float64),
        1,
        name="entities",
    )
    with torch.no_grad():
        encoder.linear.weight.copy_(torch.tensor([[1.0, 100.0]]))
    rows = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]]])
    got = encoder(rows)
    torch.testing.assert_close(got[0, :, 0], torch.tensor([-1.0, 1.0, 300.0]))


def test_bounds_that_differ_by_row_are_refused():
    space = spaces.Box(np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]]), dtype=np.float64)
    with pytest.raises(ValueError, match="'entities' differ from row to row"):
        ColumnEncoder(space, 6, name="entities")


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("symbol", [-1.0, 3.0, 0.5, float("nan"), 1e30])
def test_a_symbol_never_reads_the_vectors_of_another_column(column, symbol):
    space = spaces.Box(0, 2, (4, 2), np.int8)
    rows = np.zeros((4, 2))
    rows[2, column] = symbol
    with pytest.raises(UserError, match="'entities' holds a symbol outside the bounds"):
        encode(space, rows)
    tokenizer = EntityTokenizer(space, TokenOptions(6))
    real = torch.tensor([[1.0, 1.0, 0.0, 1.0]])
    (hidden, _), _ = tokenizer(torch.as_tensor(rows, dtype=torch.float32)[None], real)
    (clean, _), _ = tokenizer(torch.zeros(1, 4, 2), real)
    assert torch.equal(hidden, clean)


@pytest.mark.parametrize("flag", [0.4, 0.7, 2.0, -1.0, float("nan")])
def test_a_mask_that_is_no_mask_is_refused(flag):
    tokenizer = EntityTokenizer(spaces.Box(-1.0, 1.0, (6, 2)), TokenOptions(4))
    mask = torch.ones(2, 6)
    mask[1, 3] = flag
    with pytest.raises(UserError, match="'mask' must hold 0 and 1 alone"):
        tokenizer(torch.zeros(2, 6, 2), mask)


def test_a_compiled_encoder_reads_the_nearest_symbol():
    torch.manual_seed(0)
    encoder = ColumnEncoder(spaces.Box(0, 2, (1, 2), np.int8), 6, name="entities")
    compiled = torch.compile(encoder, backend="eager", fullgraph=True)
    nearest = encoder(torch.tensor([[2.0, 1.0]]))
    assert torch.equal(compiled(torch.tensor([[9.0, 1.0]])), nearest)


@pytest.mark.parametrize(
    ("shape", "first"),
    [
        ((3, 64, 80), True),
        ((64, 80, 3), False),
        ((12, 64, 80), True),  # four colour pictures on top of each other
        ((64, 80, 12), False),
        ((7, 7, 9), None),
        ((4, 16, 4), None),
    ],
)
def test_channels_are_found_or_asked_for(shape, first):
    space = spaces.Box(0, 255, shape, np.uint8)
    if first is None:
        with pytest.raises(UserError, match="cannot tell the channels"):
            PatchTokenizer(space, TokenOptions(4, patch_size=1))
    else:
        assert PatchTokenizer(space, TokenOptions(4)).channels_first == first


def test_entities_are_cut_to_the_longest_row_of_the_batch():
    tokenizer = EntityTokenizer(spaces.Box(-1.0, 1.0, (6, 2)), TokenOptions(4))
    mask = torch.tensor([[1.0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    tokens, places = tokenizer(torch.zeros(2, 6, 2), mask)
    assert places is None
    assert tokens.tokens.shape == (3, 4)
    assert tokens.layout.mask.tolist() == [[True, False, True], [True, False, False]]


def test_a_cell_knows_its_place():
    torch.manual_seed(0)
    high = np.full((2, 3, 1), 4, np.int8)
    tokenizer = CellTokenizer(spaces.Box(np.zeros_like(high), high, dtype=np.int8), TokenOptions(4))
    tokens, _ = tokenizer(torch.ones(1, 2, 3, 1), None)
    x, (rows, columns) = tokens.tokens, tokenizer.positions.tables
    torch.testing.assert_close(x[5] - x[0], rows[1] - rows[0] + columns[2] - columns[0])


@pytest.mark.parametrize("channels_first", [True, False])
def test_patches_are_squares_row_by_row(channels_first):
    shape = (3, 6, 8) if channels_first else (6, 8, 3)
    torch.manual_seed(0)
    tokenizer = PatchTokenizer(spaces.Box(0, 255, shape, np.uint8), TokenOptions(5, patch_size=2))
    image = torch.rand(1, 3, 6, 8)
    with torch.no_grad():
        for table in tokenizer.positions.tables:
            table.zero_()
        tokens, places = tokenizer(image if channels_first else image.permute(0, 2, 3, 1), None)
    patch = image[:, :, 2:4, 2:4].flatten(start_dim=1)  # row 1, column 1 of 3 x 4 patches
    assert places[5].tolist() == [1, 1]
    torch.testing.assert_close(tokens.tokens[5:6], tokenizer.linear(patch))


def test_places_are_read_from_columns_and_counted_from_zero():
    low, high = np.tile(np.array([0, -3, 2], np.int8), (4, 1)), np.full((4, 3), 6, np.int8)
    space = spaces.Box(low, high, dtype=np.int8)
    tokenizer = EntityTokenizer(space, TokenOptions(4, place_columns=(2, 1)))
    assert tokenizer.spans == (5, 10)
    rows = torch.tensor([[[0.0, -3.0, 2.0], [0.0, 1.0, 6.0], [0.0, 99.0, -5.0], [0.0, 0.0, 2.0]]])
    _, places = tokenizer(rows, torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    assert places.tolist() == [[0.0, 0.0], [4.0, 4.0], [0.0, 3.0]]


def test_a_history_is_in_order():
    torch.manual_seed(0)
    tokenizer = HistoryTokenizer(spaces.Box(-1.0, 1.0, (3, 2)), TokenOptions(4))
    tokens, places = tokenizer(torch.zeros(1, 3, 2), None)
    assert places.tolist() == [[0], [1], [2]]
    (table,) = tokenizer.positions.tables
    torch.testing.assert_close(tokens.tokens[2] - tokens.tokens[0], table[2] - table[0])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 2**16))
def test_a_product_with_zeros_and_ones_is_a_lookup(sizes, seed):
    torch.manual_seed(seed)
    module = embedding.ColumnEmbedding(sizes, 3)
    symbols = torch.stack([torch.randint(size, (7,)) for size in sizes], dim=1)
    weight = torch.randn(7, 3)
    largest, found = embedding.LARGEST_PRODUCT, []
    try:
        for embedding.LARGEST_PRODUCT in (largest, 0):
            module.zero_grad()
            vectors = module(symbols)
            (vectors * weight).sum().backward()
            found.append((vectors.detach(), module.table.grad))
    finally:
        embedding.LARGEST_PRODUCT = largest
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-5)
