"""The token of an empty cell is what the view shows where a cell is empty."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_batches import images

from rl_attention_envs import EnvironmentConfigError, empty_token
from rl_attention_envs.box_world import PRESETS
from rl_attention_envs.box_world.generator import draw_levels
from rl_attention_envs.box_world.rules import begin, step
from rl_attention_envs.box_world.views import make_box_world_view
from rl_attention_envs.symbols import EMPTY, UNSEEN
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import RawBatch, ViewSettings

DOORKEY, BOX = "MiniGrid-DoorKey-5x5-v0", "BoxWorld-6x6-v0"


def shown(view, image):
    count = len(image)
    missions = np.zeros((count, view.mission_coder.width), view.mission_coder.dtype)
    return view.encode(RawBatch(image, np.zeros(count, np.int64), missions)).observation


def write(pixels_or_cells, token, row, column):
    """Put a token to its cell, whether it is codes or a tile."""
    if token.ndim == 1:
        pixels_or_cells[:, row, column] = token
    else:
        height, width, _ = token.shape
        pixels_or_cells[
            :, row * height : (row + 1) * height, column * width : (column + 1) * width
        ] = token


@pytest.mark.parametrize("name", ["cells", "pixels"])
@given(image=images(), row=st.integers(0, 6), column=st.integers(0, 6))
def test_written_over_a_seen_cell_it_is_as_if_that_were_empty(name, image, row, column):
    if (row, column) == (6, 3):  # the agent's own
        column = 2
    view = make_view(name, ViewSettings(words=16))
    image[:, column, row, 0] = np.maximum(image[:, column, row, 0], UNSEEN + 1)
    observation = shown(view, image)
    write(observation[name], empty_token(DOORKEY, name), row, column)
    image[:, column, row] = (EMPTY, 0, 0)
    np.testing.assert_equal(observation, shown(view, image))


@settings(max_examples=15)
@given(
    st.sampled_from(list(PRESETS.values())),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["cells", "pixels"]),
)
def test_written_over_a_cell_of_box_world_it_is_as_if_that_were_empty(world, seed, name):
    rng = np.random.default_rng(seed)
    state = begin(draw_levels(world, rng, 1), world.size)
    for action in rng.integers(4, size=5):
        step(state, np.array([action]), world.size)
    view = make_box_world_view(name, world)
    token, wall = view.empty_token(), int(name == "pixels")
    agent = divmod(int(state.agent[0]), world.size + 2)
    for row, column in np.ndindex(world.size, world.size):
        if (row + 1, column + 1) == agent:
            continue
        observation = view.encode(state)
        write(observation[name], token, row + wall, column + wall)
        cell = (row + 1) * (world.size + 2) + column + 1
        state.locks[0, cell] = state.things[0, cell] = 0
        np.testing.assert_equal(observation, view.encode(state))


@pytest.mark.parametrize(
    ("env_id", "codes"), [(DOORKEY, [1, 0, 0]), ("BabyAI-GoToLocal-v0", [1, 0, 0]), (BOX, [0, 0])]
)
def test_codes_and_tiles_have_the_types_of_their_spaces(env_id, codes):
    cells, pixels = empty_token(env_id, "cells"), empty_token(env_id, "pixels")
    assert cells.tolist() == codes
    assert cells.dtype == np.int8
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert empty_token(env_id, "entities") is None


def test_an_empty_tile_is_shaded_as_what_is_in_sight():
    tile = empty_token(DOORKEY, "pixels")
    assert (tile > 0).all()
    tile[:] = 0
    assert empty_token(DOORKEY, "pixels").all(), "what was handed out is a copy"


def test_a_vector_has_no_cells():
    assert empty_token(DOORKEY, "flat") is None


@pytest.mark.parametrize("env_id", PRESETS)
def test_every_box_world_has_a_floor(env_id):
    assert empty_token(env_id, "cells").tolist() == [0, 0]


@pytest.mark.parametrize(
    ("env_id", "view", "message"),
    [
        ("MiniGrid-DoorKey-5x6-v0", "cells", "did you mean"),
        (DOORKEY, "pixel", "did you mean 'pixels'"),
        (BOX, "flat", "Box-World has entities, cells, pixels"),
        ("Recall-8-v0", "pixels", "Recall has entities, cells"),
    ],
)
def test_what_there_is_not_is_refused(env_id, view, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        empty_token(env_id, view)
