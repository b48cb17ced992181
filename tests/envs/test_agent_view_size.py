"""A view of another size than 7 x 7: shown by every view as MiniGrid shows it."""

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrid.wrappers import FlatObsWrapper, RGBImgPartialObsWrapper
from raw_batches import images, stack, walk

from rl_attention_envs import (
    VIEWS,
    EnvironmentConfigError,
    choose_backend,
    list_environments,
    make_probes,
    make_vec_env,
)
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.symbols import OBJECTS, THINGS, UNSEEN, WALL
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import RawBatch, ViewSettings
from rl_attention_envs.wrappers import ViewObservation

DOORKEY, LOCAL, MEMORY = "MiniGrid-DoorKey-6x6-v0", "BabyAI-GoToLocal-v0", "MiniGrid-MemoryS9-v0"
SIZES = (3, 5, 9)


def rows(observation):
    if not isinstance(observation, dict):
        return list(observation)
    count = len(next(iter(observation.values())))
    return [{key: values[i] for key, values in observation.items()} for i in range(count)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_what_is_made_shows_what_a_single_environment_shows(view, size):
    venv = make_vec_env(LOCAL, view=view, agent_view_size=size, seed=3)
    inner = gymnasium.make(LOCAL, agent_view_size=size, disable_env_checker=True)
    env = ViewObservation(inner, view=view)
    assert env.observation_space == venv.observation_space
    shown = venv.reset()
    one, _ = env.reset(seed=spread_seed(3, 1)[0])
    for action in np.random.default_rng(0).integers(7, size=30):
        np.testing.assert_equal(rows(shown)[0], one)
        assert venv.observation_space.contains(one)
        shown, _, dones, _ = venv.step([action])
        one, *_ = env.step(action)
        if dones[0]:
            one, _ = env.reset()


@pytest.mark.parametrize("size", SIZES)
def test_cells_and_entities_are_minigrids_image(size):
    env = RawMiniGrid(DOORKEY, {"agent_view_size": size})
    raws = list(walk(env, 600))
    settings = ViewSettings(words=16, view_size=size)
    cells, entities = make_view("cells", settings), make_view("entities", settings)
    batch = stack(cells, raws)
    pictures = batch.image.transpose(0, 2, 1, 3)
    shown = cells.encode(batch).observation
    np.testing.assert_array_equal(shown["cells"], pictures)
    things = entities.encode(batch).observation
    kinds = pictures.reshape(len(raws), -1, 3)[..., 0]
    np.testing.assert_array_equal(things["walls"], kinds == WALL)
    np.testing.assert_array_equal(things["seen"], kinds != UNSEEN)
    carried = pictures[:, size - 1, size // 2, :2]
    np.testing.assert_array_equal(things["carrying"], carried)
    assert (carried[:, 0] == OBJECTS.index("key")).any()


@pytest.mark.parametrize("size", SIZES)
@given(data=st.data())
def test_entities_of_any_size_come_back_from_their_encoding(size, data):
    image = data.draw(images(size=size))
    view = make_view("entities", ViewSettings(words=16, view_size=size, max_entities=size**2))
    missions = np.zeros((len(image), 16), np.int16)
    shown = view.encode(RawBatch(image, np.zeros(len(image), np.int64), missions)).observation
    expected = image.transpose(0, 2, 1, 3).copy()
    expected[:, size - 1, size // 2] = 0
    expected[~np.isin(expected[..., 0], [OBJECTS.index(name) for name in THINGS])] = 0
    for row, picture in zip(rows(shown), expected, strict=True):
        assert view.observation_space.contains(row)
        np.testing.assert_array_equal(view.decode(row["entities"], row["mask"]), picture)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("view", "key", "wrapper"),
    [("pixels", "pixels", RGBImgPartialObsWrapper), ("flat", None, FlatObsWrapper)],
)
def test_pixels_and_flat_are_minigrids_own_wrappers(view, key, wrapper, size):
    reference = wrapper(gymnasium.make(DOORKEY, agent_view_size=size, disable_env_checker=True))
    env = ViewObservation(
        gymnasium.make(DOORKEY, agent_view_size=size, disable_env_checker=True), view=view
    )
    one, other = env.reset(seed=4)[0], reference.reset(seed=4)[0]
    for action in np.random.default_rng(1).integers(6, size=60):
        if key is None:
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_array_equal(one[key], other["image"])
        one, other = env.step(action)[0], reference.step(action)[0]


@pytest.mark.parametrize("view", VIEWS)
def test_probes_and_descriptions_follow(view):
    probes = make_probes(DOORKEY, view=view, n_probes=3, agent_view_size=3)
    venv = make_vec_env(DOORKEY, view=view, agent_view_size=3)
    for row in rows(probes["observations"]):
        assert venv.observation_space.contains(row)
    assert probes["frames"].shape == (3, 96, 96, 3)
    assert probes["agent_boxes"].tolist() == [[32, 64, 64, 96]] * 3
    assert probes["boxes"].max(initial=0) <= 96
    venv.reset()
    (told,) = venv.env_method("describe_entities")
    assert told["frame"].shape == (96, 96, 3)
    assert told["labels"].shape == probes["labels"].shape[1:]


def test_edited_states_are_seen_as_small():
    venv = make_vec_env("MemoryCue-S9-v0", agent_view_size=3)
    shown = venv.reset()
    kind = OBJECTS[shown["entities"][0, 0, 0]]
    (answer,) = venv.env_method("edit_entities", f"remove {kind}")
    assert venv.observation_space.contains(answer["observation"])
    assert not answer["observation"]["mask"].any()
    assert answer["description"]["frame"].shape == (96, 96, 3)
    np.testing.assert_array_equal(answer["observation"]["walls"], shown["walls"][0])


def test_small_views_are_stepped_by_python_which_says_why():
    assert choose_backend(MEMORY).name == choose_backend(MEMORY, agent_view_size=7).name
    choice = choose_backend(MEMORY, agent_view_size=3)
    assert choice.name == "gymnasium"
    assert choice == choose_backend(MEMORY, "auto", 3)


def test_envpool_has_views_of_one_size():
    pytest.importorskip("envpool")
    assert "7 x 7 alone, not agent_view_size 9" in choose_backend(MEMORY, agent_view_size=9).reason
    assert choose_backend(MEMORY, "envpool", 7).name == "envpool"
    with pytest.raises(EnvironmentConfigError, match="use backend 'gymnasium'"):
        make_vec_env(MEMORY, backend="envpool", agent_view_size=3)


@pytest.mark.parametrize("size", [0, 1, 4, -3, 65, True, "3", 3.0])
def test_a_view_that_cannot_be_is_refused(size):
    for make in (make_vec_env, make_probes):
        with pytest.raises(EnvironmentConfigError, match="agent_view_size: expected an odd whole"):
            make(MEMORY, agent_view_size=size)


@pytest.mark.parametrize("env_id", ["BoxWorld-6x6-v0", "Recall-8-v0"])
def test_tasks_of_our_own_have_no_such_view(env_id):
    for make in (make_vec_env, make_probes):
        make(env_id, agent_view_size=7)
        with pytest.raises(EnvironmentConfigError, match="agent_view_size: expected 7 for"):
            make(env_id, agent_view_size=5)


def test_every_id_can_be_seen_in_small():
    for info in list_environments():
        if "gymnasium" in info.backends and not info.env_id.startswith("MiniGrid-WFC"):
            venv = make_vec_env(info.env_id, agent_view_size=3)
            assert venv.reset()["seen"].shape == (1, 9), info.env_id
            venv.close()
