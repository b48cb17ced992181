"""Positions and relations, by values small enough to check by hand."""

import math

import pytest
import torch

from rl_attention.nn import POSITIONS, LearnedPositions, Relations, SinusoidalPositions
from rl_attention.nn.relations import RelativeBias, is_near

GRID = torch.tensor([[[0, 0], [0, 1], [1, 0], [3, 1]]])


def test_near_is_within_the_radius_along_every_coordinate():
    near = is_near(GRID, 1)[0].int().tolist()
    assert near == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]]
    assert is_near(GRID, 2)[0, 2].tolist() == [True, True, True, True]


def test_a_relative_bias_depends_on_the_offset_alone():
    bias = RelativeBias(2, (4, 2))
    assert bias.table.shape == (7 * 3, 2)
    assert (bias.table == 0).all()
    torch.nn.init.normal_(bias.table)
    got = bias(GRID)[0]
    assert got.shape == (2, 4, 4)
    for q, asking in enumerate(GRID[0].tolist()):
        for k, read in enumerate(GRID[0].tolist()):
            down, right = read[0] - asking[0], read[1] - asking[1]
            index = (down + 3) * 3 + right + 1
            assert got[:, q, k].tolist() == bias.table[index].tolist()
    # moving everything changes nothing
    torch.testing.assert_close(
        RelativeBias.forward(bias, GRID[:, :3] + torch.tensor([2, 0])),
        RelativeBias.forward(bias, GRID[:, :3]),
    )


def test_too_many_offsets_are_refused():
    with pytest.raises(ValueError, match="at most 65536 offsets, got 261121"):
        RelativeBias(2, (256, 256))


def test_the_global_token_has_no_place():
    relations = Relations(n_heads=2, radius=1, spans=(4, 2))
    torch.nn.init.normal_(relations.bias.table)
    near, bias = relations(GRID)
    assert near.shape == (1, 5, 5)
    assert bias.shape == (1, 2, 5, 5)
    assert near[0, 0].all()
    assert near[0, :, 0].all()
    assert (bias[0, :, 0] == 0).all()
    assert (bias[0, :, :, 0] == 0).all()
    assert torch.equal(near[:, 1:, 1:], is_near(GRID, 1))


def test_without_places_or_choices_nothing_is_related():
    assert Relations(n_heads=2, radius=1)(None) == (None, None)
    assert Relations(n_heads=2)(GRID) == (None, None)


def test_learned_positions_are_the_sum_of_a_vector_for_each_coordinate():
    code = LearnedPositions((4, 2), 6)
    got = code(GRID)
    torch.testing.assert_close(got[0, 3], code.tables[0][3] + code.tables[1][1])


def test_sinusoidal_positions_by_hand():
    code = SinusoidalPositions((4, 2), 9)  # two frequencies for each of two coordinates
    got = code(GRID)[0, 3].tolist()
    expected = [f(3 / w) for f in (math.sin, math.cos) for w in (1, 100)]
    expected += [f(1 / w) for f in (math.sin, math.cos) for w in (1, 100)]
    assert got == pytest.approx([*expected, 0.0], abs=1e-6)
    assert list(code.parameters()) == []


@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("width", [4, 7, 16])
def test_every_code_gives_each_place_a_vector_of_its_own(name, width):
    torch.manual_seed(0)
    got = POSITIONS[name]((4, 2), width)(GRID)
    assert got.shape == (1, 4, width)
    distance = torch.cdist(got[0], got[0]) + torch.eye(4)
    assert distance.min() > 0.1
