"""Positions and relations, by values small enough to check by hand."""

import math

import pytest
import torch

from rl_attention.nn import (
    POSITIONS,
    ChunkReading,
    DenseReading,
    LearnedPositions,
    Relations,
    SinusoidalPositions,
    full_layout,
    layout_of,
)
from rl_attention.nn.reading import PairReading
from rl_attention.nn.relations import RelativeBias, is_near

GRID = torch.tensor([[0, 0], [0, 1], [1, 0], [3, 1]])
CPU = torch.device("cpu")


def test_near_is_within_the_radius_along_every_coordinate():
    near = is_near(GRID, 1).int().tolist()
    assert near == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]]
    assert is_near(GRID, 2)[2].tolist() == [True, True, True, True]


def test_a_relative_bias_depends_on_the_offset_alone():
    bias = RelativeBias(2, (4, 2))
    assert bias.table.shape == (7 * 3, 2)
    assert (bias.table == 0).all()
    torch.nn.init.normal_(bias.table)
    got = bias(GRID[None] - GRID[:, None])
    assert got.shape == (4, 4, 2)
    for q, asking in enumerate(GRID.tolist()):
        for k, read in enumerate(GRID.tolist()):
            down, right = read[0] - asking[0], read[1] - asking[1]
            index = (down + 3) * 3 + right + 1
            assert got[q, k].tolist() == bias.table[index].tolist()


def test_too_many_offsets_are_refused():
    with pytest.raises(ValueError, match="at most 65536 offsets, got 261121"):
        RelativeBias(2, (256, 256))


def scores_of(relations, rows, layout, places):
    """What each token may read and the bias it has there, `1 + N` by `1 + N`, of the first row."""
    reading = relations(rows, layout, places)
    n_tokens = 1 + layout.n_slots
    near, bias = torch.zeros(n_tokens, n_tokens), torch.zeros(n_tokens, n_tokens, 2)
    if isinstance(reading, DenseReading):
        near += 1.0 if reading.near is None else reading.near[0]
        bias += 0.0 if reading.bias is None else reading.bias[0].permute(1, 2, 0)
        return near, bias
    first = reading.queries.row[reading.query] == 0
    query, key = reading.queries.slot[reading.query][first], reading.slot[first]
    near[query, key] = 1.0
    if reading.bias is not None:
        bias[query, key] = reading.bias[first]
    return near, bias


@pytest.mark.parametrize("way", ["listed", "dense", "windows"])
def test_the_global_token_has_no_place(way):
    fixed = None if way == "listed" else GRID
    relations = Relations(n_heads=2, radius=1, spans=(4, 2), fixed=fixed)
    if way == "dense":
        relations.near_pairs = None
    elif way == "windows":
        relations.near_pairs = is_near(GRID, 1).nonzero().T
    torch.nn.init.normal_(relations.bias.table)
    rows, layout = full_layout(2, 1, CPU), full_layout(2, 4, CPU)
    near, bias = scores_of(relations, rows, layout, GRID.repeat(2, 1))
    assert near[0].all()
    assert near[:, 0].all()
    assert (bias[0] == 0).all()
    assert (bias[:, 0] == 0).all()
    expected = is_near(GRID, 1)
    assert torch.equal(near[1:, 1:].bool(), expected)
    offsets = relations.bias(GRID[None] - GRID[:, None])
    assert torch.equal(bias[1:, 1:][expected], offsets[expected])


def test_windows_are_listed_where_they_are_small():
    places = torch.arange(64)[:, None]
    assert Relations(n_heads=1, radius=2, fixed=places).near_pairs.shape == (2, 64 * 5 - 6)
    assert Relations(n_heads=1, radius=20, fixed=places).near_pairs is None
    assert Relations(n_heads=1, radius=2).near_pairs is None


def test_without_places_or_choices_all_pairs_are_related():
    layout = full_layout(2, 4, CPU)
    reading = Relations(n_heads=2, radius=1)(full_layout(2, 1, CPU), layout, None)
    assert len(reading.query) == 2 * 5 * 5
    assert reading.bias is None
    reading = Relations(n_heads=2)(full_layout(2, 1, CPU), layout, GRID)
    real = reading.place
    assert reading.together[0, 0][real][:, real].sum() == 2 * 5 * 5


def test_learned_positions_are_the_sum_of_a_vector_for_each_coordinate():
    code = LearnedPositions((4, 2), 6)
    got = code(GRID)
    torch.testing.assert_close(got[3], code.tables[0][3] + code.tables[1][1])


def test_sinusoidal_positions_by_hand():
    code = SinusoidalPositions((4, 2), 9)  # two frequencies for each of two coordinates
    got = code(GRID)[3].tolist()
    expected = [f(3 / w) for f in (math.sin, math.cos) for w in (1, 100)]
    expected += [f(1 / w) for f in (math.sin, math.cos) for w in (1, 100)]
    assert got == pytest.approx([*expected, 0.0], abs=1e-6)
    assert list(code.parameters()) == []


@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("width", [4, 7, 16])
def test_every_code_gives_each_place_a_vector_of_its_own(name, width):
    torch.manual_seed(0)
    got = POSITIONS[name]((4, 2), width)(GRID)
    assert got.shape == (4, width)
    distance = torch.cdist(got, got) + torch.eye(4)
    assert distance.min() > 0.1


def test_rows_of_very_different_lengths_are_listed_and_rows_of_like_length_are_chunked():
    relations = Relations(n_heads=2)
    for longest, kind in ((3, ChunkReading), (40, PairReading)):
        mask = torch.arange(40) < torch.tensor([longest, *(2,) * 30])[:, None]
        reading = relations(full_layout(31, 1, CPU), layout_of(mask), None)
        assert type(reading) is kind
