"""What an environment would show after an edit, while it stays as it is."""

import copy

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pygame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_attention_envs import VIEWS, EnvironmentConfigError, make_vec_env
from rl_attention_envs.edits import apply_edit, parse_edit
from rl_attention_envs.wrappers import ViewObservation

LOCAL, DOORKEY = "BabyAI-GoToLocal-v0", "MiniGrid-DoorKey-5x5-v0"
ENV_IDS = [
    DOORKEY,
    "MiniGrid-KeyCorridorS3R2-v0",
    "MiniGrid-LavaGapS5-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    LOCAL,
]
TEXTS = (
    "remove key",
    "remove ball",
    "remove red box",
    "remove door",
    "remove lava",
    "move goal 1,1",
    "move key 2,2",
    "recolour ball red blue",
    "recolour door purple",
)
OBSTACLES = "MiniGrid-Dynamic-Obstacles-6x6-v0"


def wrapped(env_id, view="entities", **options):
    return ViewObservation(gymnasium.make(env_id, disable_env_checker=True, **options), view=view)


def vector(env_id, view="entities", **options):
    return make_vec_env(env_id, view=view, backend="gymnasium", **options)


def ask(venv, text, indices=None):
    return venv.env_method("edit_entities", text, indices=indices)


def walk(env, steps, seed=0):
    """Yield before every step of a random walk of one environment, over the ends of episodes."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    for _ in range(steps):
        yield
        _, _, terminated, truncated, _ = env.step(rng.integers(env.action_space.n))
        if terminated or truncated:
            env.reset()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("env_id", ENV_IDS)
def test_it_is_what_is_shown_of_the_edited_state(env_id, view):
    env, answered = wrapped(env_id, view), 0
    for _ in walk(env, 12):
        for text in TEXTS:
            said = env.edit_entities(text)
            twin = copy.deepcopy(env)
            assert (said is not None) == apply_edit(twin.unwrapped, parse_edit(text))
            if said is None:
                continue
            answered += 1
            assert set(said) == {"observation", "description"}
            expected = twin._show(twin.unwrapped.gen_obs(), {})
            np.testing.assert_equal(said["observation"], expected)
            np.testing.assert_equal(said["description"], twin.describe_entities())
            assert env.observation_space.contains(said["observation"])
    assert answered > 5


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_a_thing_that_is_removed_is_missing_and_all_else_is_there(seed):
    env = wrapped(LOCAL)
    shown, _ = env.reset(seed=seed)
    labels = env.describe_entities()["labels"]
    for label in filter(None, set(labels.tolist())):
        colour, kind = label.split()
        said = env.edit_entities(f"remove {kind} {colour}")
        kept = labels[(labels != label) & (labels != "")].tolist()
        left = said["observation"]["mask"] == 1
        # keys, balls and boxes hide nothing, so no other thing comes into sight
        assert said["description"]["labels"][left].tolist() == kept
        rows = shown["entities"][(labels != label) & (labels != "")]
        np.testing.assert_array_equal(said["observation"]["entities"][left], rows)
        for key in ("walls", "seen", "mission", "direction", "carrying"):
            np.testing.assert_array_equal(said["observation"][key], shown[key])


def test_where_a_door_was_one_can_see_through():
    env = wrapped(DOORKEY, "cells")
    env.reset(seed=0)
    grid = env.unwrapped.grid
    column, row = np.argwhere(grid.encode()[..., 0] == 4)[0]
    env.unwrapped.agent_pos, env.unwrapped.agent_dir = (int(column) - 1, int(row)), 0
    seen, _, *_ = env.step(6)
    said = env.edit_entities("remove door")
    assert said["observation"]["cells"][5, 3].tolist() == [1, 0, 0]
    assert said["observation"]["mask"].sum() > seen["mask"].sum()


def test_the_picture_is_minigrids_of_the_edited_state():
    env = wrapped(LOCAL, "pixels")
    for _ in walk(env, 10):
        for text in ("remove ball", "recolour box grey", "recolour key red"):
            said, twin = env.edit_entities(text), copy.deepcopy(env.unwrapped)
            if apply_edit(twin, parse_edit(text)):
                np.testing.assert_array_equal(
                    said["observation"]["pixels"], twin.get_pov_render(tile_size=8)
                )


@pytest.mark.parametrize("env_id", [*ENV_IDS, OBSTACLES])
def test_a_single_environment_goes_on_as_one_that_was_never_asked(env_id):
    walks = []
    for asked in (False, True):
        env, seen = wrapped(env_id), []
        for _ in walk(env, 60):
            for text in TEXTS if asked else ():
                env.edit_entities(text)
            state = copy.deepcopy(env.unwrapped.np_random.bit_generator.state)
            seen.append((env._last, state, env.describe_entities()["labels"]))
        walks.append(seen)
    np.testing.assert_equal(*walks)


@pytest.mark.parametrize("env_id", [LOCAL, DOORKEY, OBSTACLES])
def test_environments_go_on_as_those_that_were_never_asked(env_id):
    walks = []
    for asked in (False, True):
        venv, rng = vector(env_id, n_envs=2, seed=4), np.random.default_rng(0)
        seen = [venv.reset()]
        for _ in range(80):
            for text in TEXTS if asked else ():
                ask(venv, text)
            observation, rewards, dones, infos = venv.step(rng.integers(3, size=2))
            lengths = [info.get("episode", {}).get("l") for info in infos]
            seen.append((observation, rewards, dones, lengths))
        walks.append(seen)
    np.testing.assert_equal(*walks)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("env_id", [DOORKEY, LOCAL])
def test_both_wrappers_say_the_same(env_id, view):
    venv, env = vector(env_id, view, n_envs=2), wrapped(env_id, view)
    (_, seed), rng = venv.seed(3), np.random.default_rng(1)
    venv.reset()
    env.reset(seed=seed)
    answered = 0
    for _ in range(40):
        for text in TEXTS:
            (one,) = ask(venv, text, indices=[1])
            np.testing.assert_equal(one, env.edit_entities(text))
            answered += one is not None
        action = rng.integers(env.action_space.n)
        venv.step(np.array([0, action]))
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    assert answered > 40
    assert env.has_wrapper_attr("edit_entities")


def test_each_environment_is_asked_alone_or_all_are():
    venv = vector(LOCAL, n_envs=3, seed=0)
    assert venv.has_attr("edit_entities")
    venv.reset()
    for text in TEXTS:
        everyone = ask(venv, text)
        assert len(everyone) == 3
        np.testing.assert_equal(ask(venv, text, 2), everyone[2:])
        np.testing.assert_equal(ask(venv, text, [2, 0]), [everyone[2], everyone[0]])
    np.testing.assert_equal(venv.env_method("edit_entities", edit=text), everyone)


@pytest.mark.slow
def test_processes_answer_as_one_process_does():
    venvs = [vector(LOCAL, n_envs=2, seed=0, vec_env=kind) for kind in ("dummy", "subproc")]
    for venv in venvs:
        assert venv.has_attr("edit_entities")
        venv.reset()
    for text in TEXTS:
        np.testing.assert_equal(*(ask(venv, text) for venv in venvs))
    with pytest.raises(EnvironmentConfigError, match="edit: expected"):
        ask(venvs[1], "remove everything")
    np.testing.assert_equal(*(venv.step(np.array([2, 1]))[0] for venv in venvs))
    for venv in venvs:
        venv.close()


def test_what_an_environment_shows_in_a_window_need_not_be_copied():
    env = wrapped(DOORKEY)
    env.reset(seed=0)
    env.unwrapped.clock = pygame.time.Clock()
    with pytest.raises(TypeError):
        copy.deepcopy(env.unwrapped)
    assert env.edit_entities("remove key") is not None


def test_things_that_find_no_room_are_not_counted():
    venv = vector(LOCAL, n_envs=2, max_entities=1)
    venv.reset()
    before = venv.get_attr("entity_overflow")
    assert sum(before) > 0
    ask(venv, "recolour ball grey")
    assert venv.get_attr("entity_overflow") == before


def test_nothing_can_be_edited_before_an_episode_or_by_a_text_that_is_no_edit():
    env, venv = wrapped(LOCAL), vector(LOCAL)
    for edit in (env.edit_entities, lambda text: ask(venv, text)):
        with pytest.raises(EnvironmentConfigError, match=r"edit_entities: .*call reset first"):
            edit("remove ball")
    env.reset()
    venv.reset()
    for edit in (env.edit_entities, lambda text: ask(venv, text)):
        with pytest.raises(EnvironmentConfigError, match="edit: expected 'remove KIND"):
            edit("remove the ball")


def test_envpool_refuses():
    pytest.importorskip("envpool")
    venv = make_vec_env(LOCAL, backend="envpool")
    venv.reset()
    assert not venv.has_attr("edit_entities")
    with pytest.raises(EnvironmentConfigError, match="on the backend gymnasium alone: make them"):
        ask(venv, "remove ball")


def test_box_world_refuses():
    venv, env = make_vec_env("BoxWorld-6x6-v0"), gymnasium.make("BoxWorld-6x6-v0")
    venv.reset()
    assert not venv.has_attr("edit_entities")
    assert not env.has_wrapper_attr("edit_entities")
    with pytest.raises(EnvironmentConfigError, match="on the backend gymnasium alone: choose a"):
        ask(venv, "remove key")


@pytest.mark.parametrize("change", ["shuffle", "recolour"])
def test_what_shows_its_state_changed_refuses(change):
    venv = vector(LOCAL, change=change)
    venv.reset()
    assert not venv.has_attr("edit_entities")
    assert not venv.has_attr("describe_entities")
    assert venv.has_attr("env_id")
    assert len(venv.env_method("observe")) == 1, "other methods are passed on"
    with pytest.raises(EnvironmentConfigError, match="got one with a change: make it without"):
        ask(venv, "remove ball")
    with pytest.raises(EnvironmentConfigError, match="describe_entities: expected"):
        venv.env_method("describe_entities")
