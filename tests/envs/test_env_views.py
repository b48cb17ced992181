"""What every view promises, and what each of them shows."""

import gymnasium
import minigrid  # noqa: F401
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrid.core import constants
from minigrid.core.world_object import WorldObj
from minigrid.wrappers import FlatObsWrapper, RGBImgPartialObsWrapper
from raw_batches import images, stack, walk
from stable_baselines3.common.preprocessing import is_image_space

from rl_attention_envs import VIEWS, EnvironmentConfigError
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.symbols import COLOURS, DOOR_STATES, OBJECTS, THINGS, label
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import RawBatch, ViewSettings
from rl_attention_envs.vocabulary import mission_bounds

SETTINGS = ViewSettings(words=16)
PICTURED = [
    "MiniGrid-DoorKey-6x6-v0",
    "MiniGrid-Playground-v0",
    "MiniGrid-LavaGapS7-v0",
    "BabyAI-BossLevel-v0",
]


def _batch(view, image):
    count = len(image)
    missions = np.zeros((count, view.mission_coder.width), view.mission_coder.dtype)
    return RawBatch(image, np.arange(count) % 4, missions)


def _rows(observation):
    if not isinstance(observation, dict):
        return list(observation)
    count = len(next(iter(observation.values())))
    return [{key: values[i] for key, values in observation.items()} for i in range(count)]


def test_symbols_are_minigrids():
    assert {name: i for i, name in enumerate(OBJECTS)} == constants.OBJECT_TO_IDX
    assert {name: i for i, name in enumerate(COLOURS)} == constants.COLOR_TO_IDX
    assert {name: i for i, name in enumerate(DOOR_STATES)} == constants.STATE_TO_IDX


def test_labels():
    assert label(5, 0, 0) == "red key"
    assert label(4, 2, 2) == "locked blue door"
    assert label(0, 0, 0) == "unseen"


@pytest.mark.parametrize("name", VIEWS)
@given(image=images())
def test_observations_are_in_their_space_and_own_their_memory(name, image):
    view = make_view(name, SETTINGS)
    raw = _batch(view, image)
    observation, _ = view.encode(raw)
    for row in _rows(observation):
        assert view.observation_space.contains(row)
    for values in observation.values() if isinstance(observation, dict) else [observation]:
        assert not any(np.shares_memory(values, part) for part in raw)


@pytest.mark.parametrize("name", VIEWS)
@given(image=images())
def test_environments_of_a_batch_are_independent(name, image):
    view = make_view(name, SETTINGS)
    raw = _batch(view, image)
    together = _rows(view.encode(raw).observation)
    for i, row in enumerate(together):
        alone = view.encode(RawBatch(*(part[i : i + 1] for part in raw))).observation
        np.testing.assert_equal(_rows(alone)[0], row)


@pytest.mark.parametrize("name", VIEWS)
def test_only_pixels_are_an_image_to_stable_baselines(name):
    space = make_view(name, SETTINGS).observation_space
    parts = space.spaces if isinstance(space, gymnasium.spaces.Dict) else {"": space}
    assert [key for key, part in parts.items() if is_image_space(part)] == (
        ["pixels"] if name == "pixels" else []
    )


@pytest.mark.parametrize("name", ["entities", "cells", "pixels"])
def test_shared_keys(name):
    view = make_view(name, SETTINGS)
    raws = list(walk(RawMiniGrid("MiniGrid-DoorKey-5x5-v0"), 200))
    observation, _ = view.encode(stack(view, raws))
    np.testing.assert_array_equal(observation["direction"], [raw["direction"] for raw in raws])
    np.testing.assert_array_equal(observation["carrying"], [raw["image"][3, 6, :2] for raw in raws])
    assert {tuple(row) for row in observation["carrying"].tolist()} > {(1, 0)}
    assert (observation["mission_mask"] == (observation["mission"] > 0)).all()
    assert observation["mission_mask"].sum(axis=1).tolist() == [13] * len(raws)


@given(image=images(), room=st.integers(1, 50))
def test_entities_come_back_from_their_encoding(image, room):
    view = make_view("entities", ViewSettings(words=16, max_entities=room))
    observation, dropped = view.encode(_batch(view, image))
    entities, mask = observation["entities"], observation["mask"].astype(bool)
    picture = image.transpose(0, 2, 1, 3).copy()
    picture[:, 6, 3] = 0
    is_thing = np.isin(picture[..., 0], [OBJECTS.index(name) for name in THINGS])
    expected = np.where(is_thing[..., None], picture, 0)
    np.testing.assert_array_equal(dropped, np.maximum(is_thing.sum(axis=(1, 2)) - room, 0))
    np.testing.assert_array_equal(mask.sum(axis=1), is_thing.sum(axis=(1, 2)) - dropped)
    for i in range(len(image)):
        decoded = view.decode(entities[i], observation["mask"][i])
        kept = decoded[..., 0] > 0
        np.testing.assert_array_equal(decoded[kept], expected[i][kept])
        assert dropped[i] or np.array_equal(decoded, expected[i])


@given(image=images(), room=st.integers(1, 50))
def test_entities_are_nearest_first_and_padded_with_zeros(image, room):
    view = make_view("entities", ViewSettings(words=16, max_entities=room))
    observation, _ = view.encode(_batch(view, image))
    for entities, mask in zip(
        observation["entities"], observation["mask"].astype(bool), strict=True
    ):
        assert (np.diff(mask.astype(int)) <= 0).all()
        assert not entities[~mask].any()
        right, forward = entities[mask][:, 3], entities[mask][:, 4]
        distance = np.abs(right) + forward
        # ties in picture order: from far to near, from left to right
        keys = list(zip(distance, -forward, right, strict=True))
        assert keys == sorted(set(keys))
        assert (0, 0, 0) not in keys


@given(image=images())
def test_walls_and_seen_cells_lie_as_drawn(image):
    view = make_view("entities", SETTINGS)
    observation, _ = view.encode(_batch(view, image))
    kinds = image[..., 0].transpose(0, 2, 1).reshape(len(image), -1)
    np.testing.assert_array_equal(observation["walls"], kinds == OBJECTS.index("wall"))
    np.testing.assert_array_equal(observation["seen"], kinds != OBJECTS.index("unseen"))


@given(image=images())
def test_cells_are_the_grid_in_picture_order(image):
    view = make_view("cells", SETTINGS)
    observation, dropped = view.encode(_batch(view, image))
    assert dropped is None
    np.testing.assert_array_equal(observation["cells"].transpose(0, 2, 1, 3), image)
    np.testing.assert_array_equal(
        observation["mask"].reshape(-1, 7, 7), observation["cells"][..., 0] != 0
    )


@pytest.mark.parametrize("name", VIEWS)
@given(image=images())
def test_tokens_know_their_cells(name, image):
    view = make_view(name, SETTINGS)
    observation, _ = view.encode(_batch(view, image))
    tokens = view.token_cells(observation)
    flat = image.transpose(0, 2, 1, 3).reshape(len(image), 49, 3)
    if name == "entities":
        env, token = np.nonzero(tokens >= 0)
        np.testing.assert_array_equal(
            flat[env, tokens[env, token]], observation["entities"][env, token, :3]
        )
        np.testing.assert_array_equal(tokens >= 0, observation["mask"] == 1)
    expected = {"entities": 32, "cells": 49, "pixels": 49, "flat": 0}
    assert tokens.shape == (len(image), expected[name])


def _by_hand():
    """A red key ahead to the right, a locked blue door far left, a wall before the agent."""
    image = np.zeros((1, 7, 7, 3), np.uint8)
    image[0, 4, 4] = 5, 0, 0
    image[0, 0, 0] = 4, 2, 2
    image[0, 3, 5] = 2, 5, 0
    image[0, 3, 6] = 6, 4, 0
    return image


def test_entities_by_hand():
    view = make_view("entities", ViewSettings(words=16, max_entities=3))
    observation, dropped = view.encode(_batch(view, _by_hand()))
    assert observation["entities"][0].tolist() == [[5, 0, 0, 1, 2], [4, 2, 2, -3, 6], [0] * 5]
    assert observation["mask"][0].tolist() == [1, 1, 0]
    assert observation["carrying"][0].tolist() == [6, 4]
    assert np.flatnonzero(observation["walls"][0]).tolist() == [5 * 7 + 3]
    assert np.flatnonzero(observation["seen"][0]).tolist() == [0, 4 * 7 + 4, 5 * 7 + 3, 6 * 7 + 3]
    assert dropped.tolist() == [0]


def test_overflow_drops_the_farthest():
    view = make_view("entities", ViewSettings(words=16, max_entities=1))
    observation, dropped = view.encode(_batch(view, _by_hand()))
    assert observation["entities"][0].tolist() == [[5, 0, 0, 1, 2]]
    assert dropped.tolist() == [1]


@pytest.mark.parametrize("env_id", PICTURED)
def test_pixels_are_minigrids_own(env_id):
    view = make_view("pixels", ViewSettings(mission_bounds(env_id).words))
    env = RawMiniGrid(env_id)
    wrapper = RGBImgPartialObsWrapper(env.grid_env, tile_size=8)
    for raw in walk(env, 150):
        expected = wrapper.observation({})["image"]
        pixels = view.encode(stack(view, [raw])).observation["pixels"][0]
        np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("name", ["key", "ball", "box"])
@pytest.mark.parametrize("colour", COLOURS)
def test_pixels_of_what_is_carried_are_minigrids_own(name, colour):
    view = make_view("pixels", SETTINGS)
    env = RawMiniGrid("MiniGrid-Empty-5x5-v0")
    env.reset(seed=0)
    env.grid_env.carrying = WorldObj.decode(OBJECTS.index(name), COLOURS.index(colour), 0)
    expected = env.grid_env.get_frame(tile_size=8, agent_pov=True)
    pixels = view.encode(stack(view, [env.observe()])).observation["pixels"][0]
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "env_id", ["MiniGrid-DoorKey-6x6-v0", "MiniGrid-LockedRoom-v0", "BabyAI-GoToLocal-v0"]
)
def test_flat_is_minigrids_own(env_id):
    view = make_view("flat", SETTINGS)
    env = RawMiniGrid(env_id)
    wrapper = FlatObsWrapper(env.grid_env)
    assert wrapper.observation_space == view.observation_space
    for raw in walk(env, 60):
        flat = view.encode(stack(view, [raw])).observation[0]
        np.testing.assert_array_equal(flat, wrapper.observation(env.grid_env.gen_obs()))


@pytest.mark.parametrize("env_id", ["BabyAI-GoToSeq-v0", "BabyAI-BossLevel-v0"])
def test_flat_refuses_missions_that_it_has_no_room_for(env_id):
    bounds = mission_bounds(env_id)
    with pytest.raises(EnvironmentConfigError, match="room for missions of 96 letters"):
        make_view("flat", ViewSettings(bounds.words, bounds.letters))


def test_an_unknown_view_is_refused():
    with pytest.raises(EnvironmentConfigError, match="did you mean 'entities'"):
        make_view("entites", SETTINGS)


def test_no_room_for_entities_is_refused():
    with pytest.raises(EnvironmentConfigError, match="at least 1, got 0"):
        make_view("entities", ViewSettings(words=16, max_entities=0))
