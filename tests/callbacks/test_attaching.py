"""Maps of models and environments that this project did not make."""

import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from foreign_for_tests import SLOTS, SPACES, DeafEnv, ForeignEnv, NamedEnv, good_answer
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecNormalize,
)
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rl_attention
from rl_attention.callbacks import AttentionMapCallback
from rl_attention.errors import UserError
from rl_attention.extractors import AttentionExtractor
from rl_attention.nn import MIXERS
from rl_attention.recording import ProbeSet, list_snapshots

PAGE = Path(__file__).parents[2] / "docs" / "attaching.md"
OFF_POLICY = {"buffer_size": 100, "batch_size": 8, "learning_starts": 16}
ALGORITHMS = {
    "ppo": (PPO, {"n_steps": 16, "batch_size": 16, "n_epochs": 1}),
    "dqn": (DQN, OFF_POLICY),
    "sac": (SAC, OFF_POLICY),
}
SMALL = {"width": 8, "n_heads": 2, "feedforward": 8}
NETWORKS = {"two sets": {"entity_keys": ["allies", "enemies"]}, "image": {"patch_size": 8}}


def make_model(env, name="ppo", kind="matrix", network=None, **kwargs):
    cls, settings = ALGORITHMS[name]
    policy = {"image": "CnnPolicy", "matrix": "MlpPolicy", "cells": "MlpPolicy"}
    policy_kwargs = {
        "net_arch": [8],
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": SMALL | NETWORKS.get(kind, {}) | (network or {}),
    }
    settings = settings | {"policy_kwargs": policy_kwargs, "device": "cpu", "seed": 0} | kwargs
    return cls(policy.get(kind, "MultiInputPolicy"), env, **settings)


def make_env(cls=ForeignEnv, *, n_envs=2, kind="matrix", **kwargs):
    kwargs["env_kwargs"] = {"kind": kind} | kwargs.pop("env_kwargs", {})
    return make_vec_env(cls, n_envs=n_envs, seed=0, **kwargs)


def train(env, folder, *, steps=48, **kwargs):
    model = make_model(env, **kwargs)
    return model.learn(steps, callback=AttentionMapCallback(folder=folder, snapshots=2))


def stored(folder):
    return ProbeSet.load(folder / "probes.npz")


def events(folder):
    reader = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    reader.Reload()
    return reader


PAIRS = [*((kind, "ppo") for kind in SPACES), ("masked", "dqn"), ("cells", "dqn")]
PAIRS += [("matrix", "dqn"), ("matrix", "sac"), ("two sets", "sac"), ("image", "dqn")]


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_foreign_environments_leave_pictures_and_curves(kind, name, tmp_path):
    env = make_env(kind=kind, n_envs=1, env_kwargs={"continuous": name == "sac"})
    model = make_model(env, name, kind, tensorboard_log=str(tmp_path))
    model.learn(48, callback=AttentionMapCallback(snapshots=2))
    reader = events(tmp_path / f"{name.upper()}_1")
    tags = reader.Tags()
    assert tags["images"] == ["attention_map/probe00"]
    images = reader.Images("attention_map/probe00")
    assert [image.step for image in images] == [0, 48]
    assert len({(image.width, image.height) for image in images}) == 1
    pictured = kind in ("cells", "image")
    assert (images[0].width > 4 * 160) == pictured  # frame, two heads, mean; or a strip
    shares = {tag for tag in tags["scalars"] if "mass_" in tag}
    expected = ("allies", "enemies") if kind == "two sets" else ("entities",)
    assert shares == {f"attention/mass_{word}" for word in expected}
    for step in range(2):
        total = sum(reader.Scalars(tag)[step].value for tag in shares)
        assert total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("attention", MIXERS)
@pytest.mark.parametrize("kind", ["history", "two sets"])
def test_every_mixer_can_be_drawn(attention, kind):
    env = make_env(kind=kind)
    if kind == "two sets" and "words" in attention:
        return  # there are none
    model = make_model(env, kind=kind, network={"attention": attention})
    assert rl_attention.draw(model, env.reset()).ndim == 3


def test_an_environment_is_asked_through_its_wrappers(tmp_path):
    wrap = {
        "wrapper_class": gymnasium.wrappers.TimeLimit,
        "wrapper_kwargs": {"max_episode_steps": 4},
    }
    env = make_env(NamedEnv, n_envs=6, **wrap)
    model = make_model(env, tensorboard_log=str(tmp_path))
    model.learn(96, callback=AttentionMapCallback(folder=tmp_path, snapshots=2))
    kept, answer = stored(tmp_path), good_answer()
    assert kept.labels.tolist() == [answer["labels"]] * 4
    assert kept.types.tolist() == [answer["types"]] * 4
    assert kept.missions.tolist() == ["go to the door"] * 4
    assert kept.boxes[0].tolist() == [
        [0, 0, 10, 10],
        [10, 0, 20, 10],
        [0, 5, 8, 20],
        [40, 0, 40, 9],
        [0, 0, 0, 0],
    ]
    assert kept.frames.shape == (4, 20, 40, 3)
    asked = [each.count(("describe", None)) for each in env.get_attr("calls")]
    assert asked == [1, 1, 1, 1, 0, 0]
    reader = events(tmp_path / "PPO_1")
    assert {"attention/mass_key", "attention/mass_door"} <= set(reader.Tags()["scalars"])
    assert reader.Images("attention_map/probe00")[0].width > 4 * 160


@pytest.mark.slow
def test_environments_in_other_processes_are_asked_too(tmp_path):
    env = make_env(NamedEnv, vec_env_cls=SubprocVecEnv)
    try:
        train(env, tmp_path)
    finally:
        env.close()
    assert stored(tmp_path).labels.tolist() == [good_answer()["labels"]] * 2


@pytest.mark.slow
def test_a_question_that_ends_the_process_is_one_clear_error(tmp_path):
    env = make_env(DeafEnv, vec_env_cls=SubprocVecEnv)
    with pytest.raises(UserError, match="has ended the process of an environment"):
        train(env, tmp_path)
    for process in env.processes:
        process.kill()


def test_asking_is_all_that_is_done(tmp_path):
    """Nothing is stepped, reset, seeded or rendered but by the training itself."""
    calls = []
    for cls in (NamedEnv, ForeignEnv):
        env = make_env(cls)
        train(env, tmp_path / cls.__name__)
        calls.append([call for each in env.get_attr("calls") for call in each])
    asked, plain = calls
    assert asked.count(("describe", None)) == 2
    assert [call for call in asked if call[0] != "describe"] == plain
    assert ("render", None) not in plain


@pytest.mark.parametrize("name", ALGORITHMS)
def test_watching_named_environments_changes_nothing(name, tmp_path, weights_of, assert_same):
    weights = []
    for watched in (False, True):
        env = make_env(NamedEnv, n_envs=1, env_kwargs={"continuous": name == "sac"})
        callback = AttentionMapCallback(folder=tmp_path) if watched else None
        weights.append(weights_of(make_model(env, name).learn(64, callback=callback)))
    assert stored(tmp_path).labels is not None
    assert len(list_snapshots(tmp_path)) >= 4
    assert_same(*weights)


BAD = {
    "short": ({"labels": ["key"] * 4}, "'labels' must have one item for each of the 5 tokens"),
    "text": ({"labels": "abcde"}, "'labels' must be a list with one item a token, got str"),
    "numbers": ({"types": [1, 2, 3, 4, 5]}, "'types' must hold texts, got int 1"),
    "nothing": (None, "expected a dict with any of labels, .*, got NoneType None"),
    "strange": ({"label": ["key"] * 5}, "got key 'label'"),
    "no frame": ({"boxes": [[0, 0, 1, 1]] * 5}, "boxes are pixels of a 'frame'"),
    "flat boxes": (good_answer() | {"boxes": [1] * 5}, "'boxes' must be pixels"),
    "infinite": (good_answer() | {"boxes": [[0, 0, np.inf, 1]] * 5}, "'boxes' must be finite"),
    "floats": ({"frame": np.zeros((4, 4, 3))}, "'frame' must be a picture .* type float64"),
    "mission": ({"mission": 3}, "'mission' must hold texts, got int 3"),
}


@pytest.mark.parametrize(("answer", "message"), BAD.values(), ids=BAD)
def test_a_wrong_answer_is_one_warning(answer, message, tmp_path, monkeypatch):
    monkeypatch.setattr(NamedEnv, "describe_entities", lambda self: answer)
    with pytest.warns(UserWarning, match=message) as seen:
        model = train(make_env(NamedEnv), tmp_path)
    assert len(seen) == 1
    assert "\n" not in str(seen[0].message)
    assert model.num_timesteps >= 48
    kept = stored(tmp_path)
    assert kept.labels is kept.types is kept.frames is None


def test_an_environment_that_fails_is_one_warning(tmp_path):
    with pytest.warns(UserWarning, match="KeyError: 'no names here'") as seen:
        train(make_env(DeafEnv), tmp_path)
    assert len(seen) == 1
    assert len(list_snapshots(tmp_path)) == 2


def test_environments_must_agree(tmp_path, monkeypatch):
    given = iter([{"labels": ["key"] * SLOTS}, {"types": ["key"] * SLOTS}])
    monkeypatch.setattr(NamedEnv, "describe_entities", lambda self: next(given))
    with pytest.warns(UserWarning, match="the same keys from every environment"):
        train(make_env(NamedEnv), tmp_path)


def test_an_empty_answer_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(NamedEnv, "describe_entities", lambda self: {})
    train(make_env(NamedEnv), tmp_path)
    assert stored(tmp_path).labels is None


@pytest.mark.parametrize("error", [AttributeError, NotImplementedError, TypeError])
def test_a_vector_environment_without_objects_offers_nothing(error, tmp_path):
    class Sealed(VecEnvWrapper):
        def reset(self):
            return self.venv.reset()

        def step_wait(self):
            return self.venv.step_wait()

        def has_attr(self, attr_name):
            raise error("nothing inside")

    train(Sealed(make_env(NamedEnv)), tmp_path)
    assert stored(tmp_path).labels is None


def test_our_vector_environment_has_names_on_envpool_too(tmp_path):
    pytest.importorskip("envpool")
    from rl_attention_envs import make_vec_env as make_ours

    env = make_ours("MiniGrid-Empty-5x5-v0", n_envs=2, backend="envpool")
    train(env, tmp_path, kind="dict")
    assert stored(tmp_path).labels[0, 0] == "green goal"
    env.close()


def test_our_wrapper_has_names(tmp_path):
    from rl_attention_envs.wrappers import ViewObservation

    env = make_vec_env("BabyAI-GoToLocal-v0", n_envs=2, seed=0, wrapper_class=ViewObservation)
    train(env, tmp_path, kind="dict")
    kept = stored(tmp_path)
    assert kept.missions[0].startswith("go to")
    assert kept.frames.shape[1:] == (224, 224, 3)
    real = kept.observations["mask"] == 1
    assert np.array_equal(kept.labels != "", real)


def test_given_probes_are_kept_and_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(NamedEnv, "describe_entities", lambda self: pytest.fail("asked"))
    env = make_env(NamedEnv)
    probes = ProbeSet.from_observations(env.reset())
    callback = AttentionMapCallback(probes, folder=tmp_path, snapshots=2)
    make_model(env).learn(48, callback=callback)
    assert stored(tmp_path).digest == callback.probes.digest == probes.digest


def test_names_survive_when_training_goes_on(tmp_path, monkeypatch):
    env = make_env(NamedEnv)
    model = train(env, tmp_path)
    monkeypatch.setattr(NamedEnv, "describe_entities", lambda self: pytest.fail("asked again"))
    again = AttentionMapCallback(folder=tmp_path, snapshots=2)
    model.learn(48, callback=again, reset_num_timesteps=False)
    assert again.probes.labels[0, 0] == "red key"


@pytest.mark.parametrize("stacked", [False, True])
def test_normalised_and_stacked_observations(stacked, tmp_path):
    """VecNormalize inside VecFrameStack: its statistics do not fit the stack."""
    env = VecNormalize(DummyVecEnv([ForeignEnv, ForeignEnv]), norm_reward=False)
    env = VecFrameStack(env, 2) if stacked else env
    model = train(env, tmp_path)
    kept = stored(tmp_path).observations
    assert kept.shape == (2, SLOTS, 6 if stacked else 3)
    assert rl_attention.draw(model, kept).ndim == 3


def test_draw_takes_observations_or_probes():
    env = make_env(kind="masked", n_envs=3)
    model = make_model(env, kind="masked")
    observations = env.reset()
    bare = rl_attention.draw(model, observations)
    assert bare.dtype == np.uint8
    assert bare.shape[2] == 3
    assert np.array_equal(bare, rl_attention.draw(model, ProbeSet.from_observations(observations)))
    described = ProbeSet.from_observations(observations, [good_answer()] * 3)
    assert rl_attention.draw(model, described).shape[1] > bare.shape[1]
    one = rl_attention.draw(model, {key: part[:1] for key, part in observations.items()})
    assert one.shape[0] < bare.shape[0] / 2


def test_draw_normalises_what_it_is_given():
    env = VecNormalize(make_env(), norm_reward=False)
    model = make_model(env)
    model.learn(64)
    raw = env.get_original_obs()
    before = rl_attention.draw(model, raw)
    env.obs_rms.mean += 5
    assert not np.array_equal(before, rl_attention.draw(model, raw))


@pytest.mark.slow
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 3
    code = "\n".join(blocks).replace("100_000", "64")
    exec(compile(code, "attaching.md", "exec"), {})
    assert list(tmp_path.glob("logs/**/events.out.tfevents.*"))
    assert list(tmp_path.glob("*.png"))
