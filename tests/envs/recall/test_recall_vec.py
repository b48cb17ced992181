"""What Recall promises Stable-Baselines3, and its ids through the house's doors."""

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
from rl_attention_envs import EnvironmentConfigError, make_probes, make_vec_env
from rl_attention_envs.recall import (
    PRESETS,
    RECALL_VIEWS,
    TYPES,
    RecallParams,
    make_recall_vec_env,
)
from rl_attention_envs.recall.symbols import SIDE

ENV_ID = "Recall-8-v0"
QUICK = RecallParams(distance=2)


def roll(venv, steps, seed=0):
    """Yield every step of a random run, with the observation before it."""
    rng = np.random.default_rng(seed)
    before = venv.reset()
    for _ in range(steps):
        after, rewards, dones, infos = venv.step(rng.integers(4, size=venv.num_envs))
        yield before, after, rewards, dones, infos
        before = after


def trace(venv, steps=40):
    return [(after, rewards, dones) for _, after, rewards, dones, _ in roll(venv, steps)]


@pytest.mark.parametrize("view", RECALL_VIEWS)
def test_infos_and_observations_are_as_stable_baselines_wants_them(view):
    venv = make_recall_vec_env(QUICK, view=view, n_envs=3)
    kept, solved = [], 0
    for before, after, rewards, dones, infos in roll(venv, 60):
        assert rewards.dtype == np.float32
        assert dones.dtype == bool
        for i, info in enumerate(infos):
            assert venv.observation_space.contains({key: part[i] for key, part in after.items()})
            assert info["TimeLimit.truncated"] is False
            if not dones[i]:
                assert set(info) == {"TimeLimit.truncated"}
                continue
            assert type(info["is_success"]) is bool
            assert info["is_success"] == (rewards[i] == 1) == (info["episode"]["r"] == 1)
            last = info["terminal_observation"]
            assert venv.observation_space.contains(last)
            assert not any(np.shares_memory(last[view], part[view]) for part in (before, after))
            kept.append((last, {key: np.array(values) for key, values in last.items()}))
            solved += info["is_success"]
    assert len(kept) == 60
    assert 0 < solved < 60
    for observation, at_first in kept:
        np.testing.assert_equal(observation, at_first)


def test_one_seed_one_stream_and_seeding_again_is_as_making_with_that_seed():
    one, same, other = (trace(make_vec_env(ENV_ID, n_envs=3, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_equal(one, same)
    with pytest.raises(AssertionError):
        np.testing.assert_equal(one, other)
    venv = make_vec_env(ENV_ID, n_envs=3, seed=9)
    venv.reset()
    assert len(set(venv.seed(3))) == 3
    np.testing.assert_equal(trace(venv), one)


def test_neighbouring_seeds_and_copies_differ():
    venvs = [make_vec_env(ENV_ID, n_envs=4, seed=seed) for seed in range(3)]
    shown = [
        np.stack([after["entities"] for after, *_ in trace(venv, 7)], axis=1) for venv in venvs
    ]
    assert len({part.tobytes() for many in shown for part in many}) == 12
    more = trace(make_vec_env(ENV_ID, n_envs=6, seed=0), 7)
    for (after, *_), first in zip(more, shown[0].swapaxes(0, 1), strict=True):
        # the moves differ, and they change nothing before the question
        np.testing.assert_array_equal(after["entities"][:4], first)


def test_the_global_generator_is_not_touched():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    trace(make_vec_env(ENV_ID, n_envs=2), steps=12)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_pictures_and_attributes():
    venv = make_vec_env(ENV_ID, n_envs=2)
    with pytest.raises(RuntimeError, match="call reset"):
        venv.step(np.zeros(2))
    with pytest.raises(EnvironmentConfigError, match="call reset first"):
        venv.env_method("describe_entities")
    venv.reset()
    assert venv.render_mode == "rgb_array"
    assert [image.shape for image in venv.get_images()] == [(160, 160, 3)] * 2
    assert venv.get_attr("env_id", [0]) == [ENV_ID]
    assert venv.get_attr("entity_overflow") == [0, 0]
    assert venv.get_attr("params", 1) == [PRESETS[ENV_ID]]
    assert venv.env_is_wrapped(Monitor) == [False, False]
    assert venv.has_attr("describe_entities")
    assert not venv.has_attr("edit_entities")
    for ask in (
        lambda: venv.get_attr("grid"),
        lambda: venv.set_attr("grid", None),
        lambda: venv.env_method("hash"),
    ):
        with pytest.raises(AttributeError, match="environments of Recall"):
            ask()
    with pytest.raises(EnvironmentConfigError, match="on the backend gymnasium alone"):
        venv.env_method("edit_entities", "remove ball")


def test_tokens_are_described_over_the_end_of_episodes():
    venv = make_recall_vec_env(QUICK, n_envs=2)
    shown, said = venv.reset(), set()
    for _ in range(30):
        for i, described in enumerate(venv.env_method("describe_entities")):
            there = shown["mask"][i] == 1
            assert np.array_equal(described["labels"] != "", there)
            types = [TYPES[kind] for kind in shown["entities"][i][there, 0]]
            assert described["types"][there].tolist() == types
            assert described["frame"].shape == (160, 160, 3)
            said.update(described["labels"][there].tolist())
        shown, *_ = venv.step([0, 0])
    assert {"question", "cue red", "red ball"} < said
    assert any("door" in label and len(label.split()) == 3 for label in said)


def test_cells_show_the_entities_where_they_lie():
    both = [make_vec_env(ENV_ID, view=view, n_envs=4) for view in ("entities", "cells")]
    for _ in range(2):
        for (one, *_), (other, *_) in zip(*(trace(venv, 9) for venv in both), strict=True):
            expected = np.zeros_like(other["cells"])
            for i, slot in zip(*np.nonzero(one["mask"]), strict=True):
                *codes, right, forward = one["entities"][i, slot]
                expected[i, SIDE - 1 - forward, right + SIDE // 2] = codes
            np.testing.assert_array_equal(other["cells"], expected)


@pytest.mark.parametrize("view", RECALL_VIEWS)
def test_boxes_frame_what_the_labels_say(view):
    probes = make_probes(ENV_ID, view=view, n_probes=9)
    assert probes["names"].tolist()[:4] == [
        "episode 0, cue",
        "episode 0, distractors",
        "episode 0, question",
        "episode 1, cue",
    ]
    framed = 0
    for probe, token in zip(*np.nonzero(~np.isin(probes["labels"], ["", "empty"])), strict=True):
        x0, y0, x1, y1 = probes["boxes"][probe, token]
        assert (x1 - x0, y1 - y0) == (32, 32)
        inside = probes["frames"][probe, y0 + 1 : y1, x0 + 1 : x1].reshape(-1, 3)
        label = probes["labels"][probe, token]
        if label == "question":
            assert (inside == 255).all()
        elif label.startswith("cue"):
            channel = ["red", "green", "blue", "purple"].index(label.split()[1]) % 3
            assert (inside[:, channel] >= inside.max(axis=1)).all()
        else:
            assert len(np.unique(inside, axis=0)) > 1
        framed += 1
    assert framed > 9
    assert probes["agent_boxes"].tolist() == [[64, 128, 96, 160]] * 9


def test_probes_are_always_the_same_and_what_the_environment_emits():
    one, other = (make_probes(ENV_ID, n_probes=4) for _ in range(2))
    np.testing.assert_equal(one, other)
    emitted = make_vec_env(ENV_ID).reset()
    for key, values in emitted.items():
        assert one["observations"][key].dtype == values.dtype
        assert one["observations"][key].shape[1:] == values.shape[1:]
    with pytest.raises(EnvironmentConfigError, match="n_probes must be at least 1"):
        make_probes(ENV_ID, n_probes=0)


@pytest.mark.parametrize("view", RECALL_VIEWS)
def test_ppo_trains_for_one_rollout(view):
    venv = make_recall_vec_env(QUICK, view=view, n_envs=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PPO("MultiInputPolicy", venv, n_steps=32, batch_size=64, n_epochs=1, device="cpu")
        model.learn(128)
    assert len(model.ep_success_buffer) > 0


@pytest.mark.parametrize("view", RECALL_VIEWS)
def test_gymnasiums_checker_has_nothing_to_say(view):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(f"rl_attention_envs:{ENV_ID}", view=view, render_mode="rgb_array")
        check_env(env.unwrapped, skip_render_check=False)
    env.reset(seed=0)
    assert env.render().shape == (160, 160, 3)
    assert env.unwrapped.describe_entities()["frame"].shape == (160, 160, 3)


def test_a_plain_environment_without_an_episode_says_so():
    env = gymnasium.make(ENV_ID).unwrapped
    for ask in (lambda: env.step(0), env.describe_entities):
        with pytest.raises(EnvironmentConfigError, match="call reset first"):
            ask()
    assert env.render() is None


def test_the_ids_are_listed_have_one_backend_and_named_actions():
    listed = {info.env_id: info for info in rl_attention_envs.list_environments()}
    for env_id in PRESETS:
        assert listed[env_id].backends == ("numpy",)
        assert listed[env_id].family == "Recall"
        assert rl_attention_envs.choose_backend(env_id).reason.startswith("Recall is stepped by")
        assert make_vec_env(env_id).observation_space == make_vec_env(ENV_ID).observation_space
    names = rl_attention_envs.action_names(ENV_ID, 4)
    assert names == ["answer red", "answer green", "answer blue", "answer purple"]
    assert rl_attention_envs.empty_token(ENV_ID, "cells").tolist() == [0, 0, 0]
    assert rl_attention_envs.empty_token(ENV_ID, "entities") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "gymnasium"}, "use backend 'auto'"),
        ({"env_id": "Recall-8"}, "did you mean Recall-8-v0"),
        ({"view": "flat"}, "view: Recall has entities, cells, got 'flat'"),
        ({"max_entities": 3}, "max_entities: expected at least 4"),
        ({"change": "recolour"}, "means nothing for Recall-8-v0"),
    ],
)
def test_what_cannot_be_had_is_refused(options, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        make_vec_env(**{"env_id": ENV_ID, **options})


def test_what_is_no_recall_is_refused():
    with pytest.raises(EnvironmentConfigError, match="expected the id of a Recall, got 'x'"):
        make_recall_vec_env("x")
    with pytest.raises(EnvironmentConfigError, match="n_envs must be at least 1"):
        make_recall_vec_env(QUICK, n_envs=0)


@pytest.mark.parametrize(("arm", "view"), [("attention", "entities"), ("cnn", "cells")])
def test_a_run_can_be_made_of_it_with_probes(arm, view):
    config = RunConfig(env={"id": ENV_ID, "view": view, "n_envs": 2}, arm=arm)
    build_env(config).reset()
    probes = ProbeSet(**probe_data(config))
    assert len(probes.names) == config.recording.n_probes
