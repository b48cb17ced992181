"""What the vector environment promises Stable-Baselines3, and the ids through the house's doors."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor

import rl_attention_envs
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env, probe_data
from rl_attention.recording import ProbeSet
from rl_attention_envs import EnvironmentConfigError, make_vec_env
from rl_attention_envs.box_world import (
    BOX_WORLD_VIEWS,
    PRESETS,
    BoxWorldParams,
    make_box_world_vec_env,
)

ENV_ID = "BoxWorld-6x6-v0"
# two free cells from the gem: random walks end in every way
QUICK = BoxWorldParams(
    size=4, solution_length=1, n_branches=(0, 1), n_colours=3, max_steps=40, reward_scale=0.5
)


def roll(venv, steps, seed=0):
    """Yield every step of a random run, with the observation before it."""
    rng = np.random.default_rng(seed)
    before = venv.reset()
    for _ in range(steps):
        after, rewards, dones, infos = venv.step(rng.integers(4, size=venv.num_envs))
        yield before, after, rewards, dones, infos
        before = after


def trace(venv, steps=60):
    return [(after, rewards, dones) for _, after, rewards, dones, _ in roll(venv, steps)]


def row(observation, i):
    return {key: values[i] for key, values in observation.items()}


@pytest.mark.parametrize("view", BOX_WORLD_VIEWS)
def test_infos_and_observations_are_as_stable_baselines_wants_them(view):
    venv = make_box_world_vec_env(QUICK, view=view, n_envs=3)
    previous, successes, truncated = [], 0, 0
    for _, after, rewards, dones, infos in roll(venv, 500):
        assert rewards.dtype == np.float32
        assert dones.dtype == bool
        assert isinstance(infos, list)
        for i, info in enumerate(infos):
            assert type(info) is dict
            assert venv.observation_space.contains(row(after, i))
            assert type(info["TimeLimit.truncated"]) is bool
            if not dones[i]:
                assert set(info) == {"TimeLimit.truncated"}
                continue
            assert set(info) == {
                "TimeLimit.truncated",
                "is_success",
                "terminal_observation",
                "episode",
            }
            assert type(info["is_success"]) is bool
            assert info["episode"]["l"] <= 40
            assert info["episode"]["l"] == 40 or not info["TimeLimit.truncated"]
            if info["is_success"]:
                assert info["episode"]["r"] == pytest.approx(5.5)
            last = info["terminal_observation"]
            assert venv.observation_space.contains(last)
            previous.append((last, {key: np.array(values) for key, values in last.items()}))
            successes += info["is_success"]
            truncated += info["TimeLimit.truncated"]
    assert 0 < successes < len(previous) - truncated
    assert truncated > 0
    for observation, at_first in previous:
        np.testing.assert_equal(observation, at_first)


@pytest.mark.parametrize("view", BOX_WORLD_VIEWS)
def test_terminal_observations_share_no_memory_with_anything(view):
    venv = make_box_world_vec_env(QUICK, view=view, n_envs=4)
    seen = 0
    for before, after, _, dones, infos in roll(venv, 120):
        last = [infos[i]["terminal_observation"][view] for i in np.flatnonzero(dones)]
        seen += len(last)
        for i, array in enumerate(last):
            assert not any(
                np.shares_memory(array, other) for other in [before[view], after[view], *last[:i]]
            )
    assert seen > 5


def test_one_seed_one_stream_and_seeding_again_is_as_making_with_that_seed():
    one, same, other = (trace(make_vec_env(ENV_ID, n_envs=3, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_equal(one, same)
    with pytest.raises(AssertionError):
        np.testing.assert_equal(one, other)
    venv = make_vec_env(ENV_ID, n_envs=3, seed=9)
    venv.reset()
    first = venv.seed(3)
    assert len(set(first)) == 3
    np.testing.assert_equal(trace(venv), one)
    assert venv.seed(4) != first
    np.testing.assert_equal(trace(venv), other)
    venv.seed(None)
    venv.reset()


def test_seeding_takes_effect_at_the_next_reset():
    venvs = [make_box_world_vec_env(QUICK, n_envs=2) for _ in range(2)]
    for venv in venvs:
        venv.reset()
    actions = np.random.default_rng(0).integers(4, size=(200, 2))
    for step, pair in enumerate(actions):
        if step == 20:
            # the second goes on with the levels that it had
            venvs[1].seed(5)
            venvs[1].reset()
            venvs[0].seed(5)
            venvs[0].reset()
        np.testing.assert_equal(*(venv.step(pair)[:3] for venv in venvs))


def test_seeding_without_a_reset_goes_on_with_the_levels_that_were_begun():
    venvs = [make_box_world_vec_env(QUICK, n_envs=2) for _ in range(2)]
    for venv in venvs:
        venv.reset()
    venvs[0].seed(5)
    ended = 0
    for pair in np.random.default_rng(0).integers(4, size=(100, 2)):
        stepped = [venv.step(pair)[:3] for venv in venvs]
        np.testing.assert_equal(*stepped)
        ended += stepped[0][2].sum()
    assert ended > 2


def test_neighbouring_seeds_and_copies_differ():
    firsts = [make_vec_env("BoxWorld-8x8-v0", n_envs=4, seed=seed).reset() for seed in range(3)]
    assert len({cells.tobytes() for shown in firsts for cells in shown["entities"]}) == 12
    more = make_vec_env("BoxWorld-8x8-v0", n_envs=6, seed=0).reset()
    np.testing.assert_array_equal(more["entities"][:4], firsts[0]["entities"])


def test_the_global_generator_is_not_touched():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    trace(make_vec_env(ENV_ID, n_envs=2), steps=5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_pictures_and_attributes():
    venv = make_vec_env(ENV_ID, n_envs=2)
    with pytest.raises(RuntimeError, match="call reset"):
        venv.step(np.zeros(2))
    with pytest.raises(EnvironmentConfigError, match="call reset first"):
        venv.env_method("describe_entities")
    venv.reset()
    assert venv.render_mode == "rgb_array"
    assert [image.shape for image in venv.get_images()] == [(256, 256, 3)] * 2
    assert venv.render().shape in ((256, 512, 3), (512, 256, 3))
    assert venv.get_attr("env_id", [0]) == [ENV_ID]
    assert venv.get_attr("entity_overflow") == [0, 0]
    assert venv.get_attr("params", 1) == [PRESETS[ENV_ID]]
    assert venv.env_is_wrapped(Monitor) == [False, False]
    assert venv.has_attr("describe_entities")
    assert not venv.has_attr("grid")
    for ask in (
        lambda: venv.get_attr("grid"),
        lambda: venv.set_attr("grid", None),
        lambda: venv.env_method("hash"),
    ):
        with pytest.raises(AttributeError):
            ask()
    venv.close()


def test_it_says_what_its_tokens_show_over_the_end_of_episodes():
    venv = make_box_world_vec_env(QUICK, n_envs=3)
    shown = venv.reset()
    for actions in np.random.default_rng(0).integers(4, size=(80, 3)):
        said = venv.env_method("describe_entities", indices=[0, 2])
        for i, described in zip((0, 2), said, strict=True):
            assert np.array_equal(described["labels"] != "", shown["mask"][i] == 1)
            assert np.array_equal(described["boxes"].any(axis=1), shown["mask"][i] == 1)
            assert described["frame"].shape == (192, 192, 3)
        shown, *_ = venv.step(actions)


@pytest.mark.parametrize("view", ["entities", "cells"])
def test_ppo_trains_for_one_rollout(view):
    venv = make_box_world_vec_env(QUICK, view=view, n_envs=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PPO(
            "MultiInputPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=1, device="cpu"
        )
        model.learn(256)
    assert len(model.ep_info_buffer) > 0
    assert len(model.ep_success_buffer) > 0


@pytest.mark.parametrize("view", BOX_WORLD_VIEWS)
def test_gymnasiums_checker_has_nothing_to_say(view):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(f"rl_attention_envs:{ENV_ID}", view=view, render_mode="rgb_array")
        check_env(env.unwrapped, skip_render_check=False)
    env.reset(seed=0)
    assert env.render().shape == (256, 256, 3)
    described = env.unwrapped.describe_entities()
    assert described["frame"].shape == (256, 256, 3)


def test_a_plain_environment_without_an_episode_says_so():
    env = gymnasium.make(ENV_ID).unwrapped
    for ask in (lambda: env.step(0), env.describe_entities):
        with pytest.raises(EnvironmentConfigError, match="call reset first"):
            ask()
    assert env.render() is None


def test_the_ids_are_listed_and_have_one_backend():
    listed = {info.env_id: info for info in rl_attention_envs.list_environments()}
    for env_id in PRESETS:
        assert listed[env_id].backends == ("numpy",)
        assert rl_attention_envs.choose_backend(env_id).name == "numpy"
        assert env_id in gymnasium.registry
    for backend in ("envpool", "gymnasium"):
        with pytest.raises(EnvironmentConfigError, match="use backend 'auto'"):
            make_vec_env(ENV_ID, backend=backend)
    with pytest.raises(EnvironmentConfigError, match="did you mean BoxWorld-8x8-v0"):
        make_vec_env("BoxWorld-8x8")
    with pytest.raises(EnvironmentConfigError, match="expected the id of a Box-World, got 'x'"):
        make_box_world_vec_env("x")
    with pytest.raises(EnvironmentConfigError, match="n_envs must be at least 1"):
        make_box_world_vec_env(QUICK, n_envs=0)


def test_ids_of_one_size_share_a_space():
    for size, count in (("8x8", 3), ("12x12", 4)):
        spaces = [
            make_vec_env(env_id).observation_space
            for env_id in PRESETS
            if env_id.startswith(f"BoxWorld-{size}-")
        ]
        assert len(spaces) == count
        assert all(space == spaces[0] for space in spaces)


@pytest.mark.parametrize(
    ("arm", "view"), [("attention", view) for view in BOX_WORLD_VIEWS] + [("cnn", "cells")]
)
def test_a_run_can_be_made_of_it_with_probes(arm, view):
    config = RunConfig(env={"id": "BoxWorld-8x8-v0", "view": view, "n_envs": 2}, arm=arm)
    env = build_env(config)
    env.reset()
    probes = ProbeSet(**probe_data(config))
    assert len(probes.names) == config.recording.n_probes


def test_importing_the_package_imports_no_environment_and_registers_the_ids():
    code = (
        "import sys, gymnasium; import rl_attention_envs; "
        "heavy = {'envpool', 'minigrid', 'pygame', 'torch', 'stable_baselines3'}; "
        "print(sorted(heavy & set(sys.modules)), 'BoxWorld-8x8-v0' in gymnasium.registry)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[] True"
