"""Levels: solvable, unambiguous, with room between things, and with the pairs asked for."""

import numpy as np
import pytest
from box_world_parts import Board, params, solve, way, ways_to_the_gem
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_attention_envs import EnvironmentConfigError
from rl_attention_envs.box_world import GEM, PRESETS, BoxWorldParams
from rl_attention_envs.box_world.generator import LevelStream, check_room, draw_levels
from rl_attention_envs.box_world.levels import stack_levels

SEEDS = st.integers(0, 2**32 - 1)


def levels_of(world, seed, count=8):
    drawn = draw_levels(world, np.random.default_rng(seed), count)
    return [drawn.level(row, world.size) for row in range(count)]


def cells_of(level):
    return [[level.key]] + [[(b.row, b.column), (b.row, b.column - 1)] for b in level.boxes]


@settings(deadline=None, max_examples=60)
@given(params(), SEEDS)
def test_every_level_has_one_way_to_the_gem_and_it_can_be_walked(world, seed):
    for level in levels_of(world, seed):
        actions, boxes = solve(level, world.size)
        assert len(actions) <= world.step_limit
        assert set(boxes) == {box for box in level.boxes if box.on_path}
        assert boxes[-1].content == GEM


@settings(deadline=None, max_examples=60)
@given(params(), SEEDS)
def test_a_wrong_box_can_be_opened_and_leads_nowhere(world, seed):
    for level in levels_of(world, seed):
        (boxes,) = ways_to_the_gem(level)
        opened = {level.key_colour} | {box.content for box in boxes}
        for box in level.boxes:
            if box.on_path or box.lock not in opened:
                continue
            # with this one open instead of the right one, the gem's way is cut
            rest = type(level)(
                level.agent,
                level.key,
                box.content,
                tuple(b for b in level.boxes if b.lock != box.lock),
            )
            assert ways_to_the_gem(rest) == []


@settings(deadline=None, max_examples=60)
@given(params(), SEEDS)
def test_things_do_not_touch_and_the_agent_stands_free(world, seed):
    for level in levels_of(world, seed):
        things = cells_of(level)
        for i, one in enumerate(things):
            assert all(min(cell) >= 0 and max(cell) < world.size for cell in one)
            assert level.agent not in one
            for other in things[:i]:
                far = [max(abs(a - c), abs(b - d)) for a, b in one for c, d in other]
                assert min(far) >= 2
        board = Board(level)
        for lock in board.locks:
            assert way(board, lock, world.size) is not None


@settings(deadline=None, max_examples=60)
@given(params(), SEEDS)
def test_no_two_keys_share_a_colour_and_sizes_are_as_asked(world, seed):
    (shortest, longest), branches, branch = world.spans
    for level in levels_of(world, seed):
        keys = [level.key_colour, *(b.content for b in level.boxes if b.content != GEM)]
        assert len(set(keys)) == len(keys)
        assert all(1 <= key <= world.n_colours for key in keys)
        assert sum(box.content == GEM for box in level.boxes) == 1
        solution = sum(box.on_path for box in level.boxes)
        assert shortest <= solution <= longest
        others = len(level.boxes) - solution
        assert branches[0] * branch[0] <= others <= branches[1] * branch[1]
        assert {box.lock for box in level.boxes} <= set(keys)


@settings(deadline=None, max_examples=60)
@given(params(required=False), SEEDS)
def test_a_withheld_pair_never_occurs(world, seed):
    for level in levels_of(world, seed, 16):
        assert not {(box.content, box.lock) for box in level.boxes} & set(world.pairs)


@settings(deadline=None, max_examples=60)
@given(params(required=True), SEEDS)
def test_a_withheld_pair_must_be_opened_where_it_is_required(world, seed):
    for level in levels_of(world, seed, 16):
        assert {(b.content, b.lock) for b in level.boxes if b.on_path} & set(world.pairs)


@pytest.mark.parametrize("env_id", PRESETS)
def test_every_preset_draws_solvable_levels_of_every_length(env_id):
    world = PRESETS[env_id]
    check_room(world)
    levels = levels_of(world, 0, 96)
    for level in levels:
        solve(level, world.size)
    lengths = {sum(box.on_path for box in level.boxes) for level in levels}
    assert lengths == set(range(world.spans[0][0], world.spans[0][1] + 1))
    pairs = [{(b.content, b.lock) for b in level.boxes} & set(world.pairs) for level in levels]
    assert all(bool(pair) == world.require_withheld for pair in pairs)


def test_all_pairs_but_the_withheld_and_all_places_occur():
    world = PRESETS["BoxWorld-8x8-v0"]
    levels = levels_of(world, 1, 3000)
    pairs = {(b.content, b.lock) for level in levels for b in level.boxes if b.content != GEM}
    assert len(pairs) == 10 * 9 - len(world.pairs)
    assert {level.agent for level in levels} == {(r, c) for r in range(8) for c in range(8)}
    for on_path in (True, False):
        places = [(b.row, b.column) for x in levels for b in x.boxes if b.on_path is on_path]
        assert set(places) == {(r, c) for r in range(8) for c in range(1, 8)}


def test_where_a_box_lies_says_nothing_of_what_it_is():
    world = BoxWorldParams(size=8, solution_length=3, n_branches=3, n_colours=6)
    levels = levels_of(world, 2, 2000)
    means = []
    for on_path in (True, False):
        boxes = [box for level in levels for box in level.boxes if box.on_path is on_path]
        off = [(abs(box.row - 3.5), abs(box.column - 4)) for box in boxes]
        means.append(np.mean(off, axis=0))
    np.testing.assert_allclose(*means, atol=0.06)


def test_a_stream_is_decided_by_its_generator():
    world = PRESETS["BoxWorld-6x6-v0"]

    def first(seed, count=40):
        stream = LevelStream(world, np.random.default_rng(seed))
        return [levels.level(row, 6) for levels, _, row in (stream.next() for _ in range(count))]

    assert first(3) == first(3)
    assert first(3) != first(4)
    assert len(set(first(3))) == 40


@settings(deadline=None, max_examples=20)
@given(params(), SEEDS)
def test_levels_can_be_written_down_and_read_back(world, seed):
    drawn = draw_levels(world, np.random.default_rng(seed), 5)
    written = [drawn.level(row, world.size) for row in range(5)]
    read = stack_levels(written, world.size, world.max_things)
    for name, values in vars(drawn).items():
        np.testing.assert_array_equal(getattr(read, name), values)
        assert getattr(read, name).dtype == values.dtype


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 3}, "size: expected a whole number from 4 to 24, got 3"),
        ({"size": 8.0}, "size: expected a whole number"),
        ({"solution_length": 0}, r"solution_length: .* at least 1, .* as \(1, 3\), got 0"),
        ({"solution_length": (3, 2)}, "solution_length: expected"),
        ({"n_branches": (0, 1, 2)}, "n_branches: expected"),
        ({"branch_length": True}, "branch_length: expected"),
        ({"n_colours": 21}, "n_colours: expected a whole number from 1 to 20, got 21"),
        ({"n_colours": 7}, "n_colours: expected at least 8, one for every key"),
        ({"withheld": [(1, 1)]}, "withheld: expected pairs"),
        ({"withheld": [(1, 30)]}, "withheld: expected pairs"),
        ({"withheld": 3}, "withheld: expected pairs"),
        ({"require_withheld": True, "solution_length": 2}, "withheld: expected at least one pair"),
        ({"require_withheld": True, "withheld": [(1, 2)]}, "solution_length: expected at least 2"),
        ({"max_steps": 0}, "max_steps: expected a whole number"),
        ({"reward_scale": 0}, "reward_scale: expected a number above 0"),
    ],
)
def test_parameters_that_make_no_level_are_refused(fields, message):
    with pytest.raises(EnvironmentConfigError, match=message) as caught:
        BoxWorldParams(**fields)
    assert "\n" not in str(caught.value)


def test_too_many_boxes_for_the_room_are_refused_before_anything_starts():
    with pytest.raises(EnvironmentConfigError, match="size: expected room for 8 boxes"):
        check_room(BoxWorldParams(size=5))


def test_withholding_every_pair_is_refused():
    every = [(key, lock) for key in range(1, 5) for lock in range(1, 5) if key != lock]
    world = BoxWorldParams(size=8, solution_length=2, n_branches=0, n_colours=4, withheld=every)
    with pytest.raises(EnvironmentConfigError, match="withheld: expected pairs that leave enough"):
        check_room(world)


def test_ranges_may_be_lists_and_the_limit_follows_the_longest_way():
    world = BoxWorldParams(size=8, solution_length=[1, 3], n_branches=0, withheld=[[2, 1]])
    assert world.spans == ((1, 3), (0, 0), (1, 1))
    assert world.pairs == ((2, 1),)
    assert world.step_limit == 4 * 8 * 4
    assert BoxWorldParams(max_steps=7).step_limit == 7
