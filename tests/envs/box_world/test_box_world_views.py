"""What the views show: true bounds, the same room in each, and names where the tokens are."""

import numpy as np
import pytest
from box_world_parts import GREEN, HAND_LEVEL, HAND_PARAMS, RED, params, solve
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_attention_envs import EnvironmentConfigError
from rl_attention_envs.box_world import (
    BOX_WORLD_VIEWS,
    GEM,
    BoxWorldParams,
    make_box_world_probes,
)
from rl_attention_envs.box_world.describing import describe_all
from rl_attention_envs.box_world.generator import draw_levels
from rl_attention_envs.box_world.levels import stack_levels
from rl_attention_envs.box_world.picture import _PALETTE, draw
from rl_attention_envs.box_world.probes import play_to
from rl_attention_envs.box_world.rules import begin, step
from rl_attention_envs.box_world.symbols import AGENT, GEM_CELL, KEY_CELL, LOCK_CELL
from rl_attention_envs.box_world.views import make_box_world_view

HAND = BoxWorldParams(**HAND_PARAMS)


def hand_state():
    return begin(stack_levels([HAND_LEVEL], HAND.size, HAND.max_things), HAND.size)


def walked(world, seed, steps=20):
    """Yield environments on a walk, some of which go on after their end: anything can be shown."""
    rng = np.random.default_rng(seed)
    state = begin(draw_levels(world, rng, 3), world.size)
    yield state
    for actions in rng.integers(4, size=(steps, 3)):
        step(state, actions, world.size)
        if rng.random() < 0.2:
            # a key that fits somewhere, whatever the level says
            state.held[:] = rng.integers(world.n_colours + 1, size=3)
        yield state


@settings(deadline=None, max_examples=15)
@given(params(), st.integers(0, 2**32 - 1), st.sampled_from(list(BOX_WORLD_VIEWS)))
def test_bounds_hold_and_nothing_is_shared(world, seed, name):
    view = make_box_world_view(name, world)
    for state in walked(world, seed):
        shown = view.encode(state)
        assert set(shown) == set(view.observation_space)
        for row in range(3):
            one = {key: values[row] for key, values in shown.items()}
            assert view.observation_space.contains(one)
        arrays = vars(state).values()
        assert not any(np.shares_memory(a, b) for a in shown.values() for b in arrays)


@settings(deadline=None, max_examples=15)
@given(params(), st.integers(0, 2**32 - 1))
def test_entities_cells_and_pixels_show_the_same_room(world, seed):
    entities, cells, pixels = (make_box_world_view(name, world) for name in BOX_WORLD_VIEWS)
    for state in walked(world, seed):
        rows, grid = entities.encode(state), cells.encode(state)["cells"]
        picture = pixels.encode(state)["pixels"]
        np.testing.assert_array_equal(
            picture, np.stack([paint(padded) for padded in _corner(grid, state)])
        )
        for i in range(3):
            rebuilt = np.zeros((world.size, world.size, 2), np.int8)
            for kind, lock, content, right, down in rows["entities"][i][rows["mask"][i] == 1]:
                at = rows["agent"][i] + (down, right)
                if kind == 2:
                    rebuilt[tuple(at)] = (LOCK_CELL, lock)
                    at = at - (0, 1)
                gem = content == world.n_colours + 1
                assert (kind == 3) == (gem and lock == 0)
                rebuilt[tuple(at)] = (GEM_CELL, 0) if gem else (KEY_CELL, content)
            agent = tuple(rows["agent"][i])
            rebuilt[agent] = (AGENT, rebuilt[agent][1])
            np.testing.assert_array_equal(grid[i], rebuilt)
            assert not rows["entities"][i][rows["mask"][i] == 0].any()


def _corner(grid, state):
    """Pad rooms by their walls, with the key in hand in the corner, as (kind, colour)."""
    padded = np.pad(grid, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1)
    padded[:, 0, 0] = [(KEY_CELL, held) if held else (-1, -1) for held in state.held]
    return padded


def paint(padded):
    colours = {-1: GEM + 2, AGENT: GEM + 1, GEM_CELL: GEM, 0: 0}
    index = [[colours.get(int(k), int(c)) for k, c in row] for row in padded]
    return np.kron(_PALETTE[index], np.ones((8, 8, 1), np.uint8))


def test_entities_of_a_level_drawn_by_hand():
    shown = make_box_world_view("entities", HAND, max_entities=6).encode(hand_state())
    assert shown["entities"][0].tolist() == [
        [1, 0, RED, 2, 0],
        [2, RED, GREEN, 1, 1],
        [2, GREEN, 4, 1, 3],  # the gem comes after the three colours
        [2, RED, 3, 4, 3],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert shown["mask"].tolist() == [[1, 1, 1, 1, 0, 0]]


def test_all_colours_can_be_told_apart():
    far = np.abs(_PALETTE[:, None].astype(int) - _PALETTE).sum(axis=-1)
    assert len(_PALETTE) == 20 + 4
    assert (far + 1000 * np.eye(24, dtype=int)).min() > 60


def test_names_stand_where_the_tokens_are():
    told = describe_all(make_box_world_view("entities", HAND, max_entities=5), hand_state())
    assert told["labels"][0].tolist() == [
        "red key",
        "red lock: green key",
        "green lock: gem",
        "red lock: blue key",
        "",
    ]
    assert told["types"][0].tolist() == ["key", "box", "box", "box", ""]
    assert (told["boxes"][0] // 32).tolist() == [
        [3, 2, 4, 3],
        [1, 3, 3, 4],
        [1, 5, 3, 6],
        [4, 5, 6, 6],
        [0, 0, 0, 0],
    ]
    assert told["agent_boxes"].tolist() == [[32, 64, 64, 96]]


@pytest.mark.parametrize("name", ["cells", "pixels"])
def test_names_of_cells_are_those_of_the_picture(name):
    state = hand_state()
    state.held[:] = GREEN
    told = describe_all(make_box_world_view(name, HAND), state)
    tokens = {"cells": 25, "pixels": 49}[name]
    assert told["labels"].shape == told["types"].shape == (1, tokens)
    by_place = {
        tuple(box[:2] // 32): label
        for box, label in zip(told["boxes"][0], told["labels"][0], strict=True)
    }
    assert len(by_place) == tokens
    assert by_place[3, 2] == "red key"
    assert by_place[2, 3] == "red lock"
    assert by_place[1, 3] == "green key"
    assert by_place[1, 5] == "gem"
    assert by_place[1, 2] == "agent"
    assert by_place[1, 1] == "floor"
    assert by_place.get((0, 0)) == ("held green key" if name == "pixels" else None)
    assert by_place.get((6, 6)) == ("wall" if name == "pixels" else None)


def test_the_picture_has_the_held_key_in_the_corner():
    state = hand_state()
    before = draw(state, HAND.size, 4)
    assert before.shape == (1, 28, 28, 3)
    assert not before[0, :4].any()
    state.held[:] = RED
    after = draw(state, HAND.size, 4)
    np.testing.assert_array_equal(after[0, :4, :4], np.broadcast_to(_PALETTE[RED], (4, 4, 3)))
    np.testing.assert_array_equal(after[0, 4:], before[0, 4:])


@pytest.mark.parametrize("name", BOX_WORLD_VIEWS)
def test_probes_are_fixed_and_show_every_stage(name):
    world = BoxWorldParams(size=8, solution_length=3, n_branches=(0, 1), n_colours=8)
    probes = make_box_world_probes(world, view=name, n_probes=8)
    np.testing.assert_equal(probes, make_box_world_probes(world, view=name, n_probes=8))
    space = make_box_world_view(name, world).observation_space
    for row in range(8):
        assert space.contains({key: v[row] for key, v in probes["observations"].items()})
    held = probes["observations"]["held"] > 0
    assert held.tolist() == [False, True, True, True] * 2
    assert probes["frames"].shape == (8, 320, 320, 3)
    assert len(set(probes["names"].tolist())) == 8


@settings(deadline=None, max_examples=15)
@given(params(), st.integers(0, 2**32 - 1))
def test_a_stage_of_a_probe_is_what_playing_leads_to(world, seed):
    levels = draw_levels(world, np.random.default_rng(seed), 1)
    actions, boxes = solve(levels.level(0, world.size), world.size)
    played, taken = begin(levels, world.size), 0
    for action in [None, *actions[:-1]]:
        held = played.held.copy()
        if action is not None:
            step(played, np.array([action]), world.size)
        if action is None or played.held[0] not in (0, held[0]):
            taken += action is not None
            edited = begin(levels, world.size)
            play_to(edited, levels, 0, taken)
            np.testing.assert_equal(vars(edited), vars(played))
    assert taken == len(boxes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "flat"}, "view: Box-World has entities, cells, pixels, got 'flat'"),
        ({"max_entities": 3}, "max_entities: expected at least 4, .* got 3: raise it"),
        ({"n_probes": 0}, "n_probes must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        make_box_world_probes(HAND, **options)
