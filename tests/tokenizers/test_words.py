"""Each distinct mission of a batch is encoded once, and none is taken for another."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.errors import UserError
from rl_attention.tokenizers import distinct
from rl_attention.tokenizers.distinct import distinct_rows
from rl_attention.tokenizers.words import WordTokenizer

MATRICES = st.lists(
    st.lists(st.integers(-1, 3), min_size=3, max_size=3), min_size=1, max_size=12
).map(lambda rows: torch.tensor(rows, dtype=torch.float32))


@given(MATRICES)
def test_distinct_rows_give_the_matrix_back(rows):
    first, which = distinct_rows(rows)
    assert torch.equal(rows[first][which], rows)
    assert len({tuple(row) for row in rows.tolist()}) == len(first)


@given(MATRICES)
def test_rows_with_one_sum_are_still_told_apart(rows):
    original = distinct._sums
    distinct._sums = lambda rows: torch.zeros(len(rows), dtype=torch.long)
    try:
        first, which = distinct_rows(rows)
    finally:
        distinct._sums = original
    assert torch.equal(rows[first][which], rows)


def test_a_mission_is_encoded_alike_in_any_batch():
    torch.manual_seed(0)
    tokenizer = WordTokenizer(spaces.Box(0, 20, (6,)), 8)
    ids = torch.tensor([[3, 4, 0, 0, 0, 0], [5, 6, 7, 8, 0, 0], [3, 4, 0, 0, 0, 0]]).float()
    mask = ids != 0
    tokens, layout, mission = tokenizer(ids, mask)
    assert tokens.shape == (6, 8)
    assert layout.mask.shape == (2, 4)
    assert mission[0] == mission[2] != mission[1]
    alone, _, _ = tokenizer(ids[:1], mask[:1])
    torch.testing.assert_close(layout.pad(tokens)[mission[0], :2], alone)


def test_padding_of_a_mission_carries_nothing():
    torch.manual_seed(0)
    tokenizer = WordTokenizer(spaces.Box(0, 20, (4,)), 8)
    mask = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    clean, _, _ = tokenizer(torch.tensor([[3.0, 4.0, 0.0, 0.0]]), mask)
    dirty, _, _ = tokenizer(torch.tensor([[3.0, 4.0, 17.0, 9.0]]), mask)
    assert torch.equal(clean, dirty)


def test_word_order_reaches_the_mean_of_the_tokens():
    torch.manual_seed(0)
    tokenizer = WordTokenizer(spaces.Box(0, 20, (2,)), 8)
    tokens, layout, mission = tokenizer(torch.tensor([[3.0, 4.0], [4.0, 3.0]]), None)
    first, second = layout.pad(tokens)[mission].mean(dim=1)
    assert not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("size", [20, 1000, 30000])
def test_a_word_has_a_vector_of_its_own_in_any_vocabulary(size):
    tokenizer = WordTokenizer(spaces.Box(0, size - 1, (3,), np.int64), 8)
    assert tokenizer.encoder.embedding.table.shape == (size, 8)


def test_word_ids_may_be_negative():
    torch.manual_seed(0)
    tokenizer = WordTokenizer(spaces.Box(-3, 5, (3,), np.int64), 8)
    tokens, layout, _ = tokenizer(
        torch.tensor([[-1.0, -3.0, 5.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    )
    assert layout.mask.tolist() == [[True, True]]
    assert not torch.allclose(tokens[0], tokens[1], atol=1e-3)


def test_bounds_without_a_vocabulary_are_refused():
    with pytest.raises(UserError, match="declare the true bounds"):
        WordTokenizer(spaces.Box(0, 2**40, (3,), np.int64), 8)


def test_flags_of_words_that_are_no_flags_are_refused():
    tokenizer = WordTokenizer(spaces.Box(0, 20, (2,), np.int64), 8)
    with pytest.raises(UserError, match="'mission_mask' must hold 0 and 1 alone"):
        tokenizer(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.3]]))
