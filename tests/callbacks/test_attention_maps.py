import dataclasses
import itertools

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecNormalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.callbacks import AttentionMapCallback
from rl_attention.callbacks import attention_maps as module
from rl_attention.errors import UserError
from rl_attention.extractors import AttentionExtractor
from rl_attention.recording import ProbeSet, list_snapshots, read_snapshot, record

STEPS = 640


def train(model, callback, steps=STEPS, **kwargs):
    return model.learn(steps, callback=callback, **kwargs)


def events(folder):
    reader = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    reader.Reload()
    return reader


def test_tensorboard_holds_every_map_and_curve(make_model, observations, tmp_path):
    model = make_model("ppo", tensorboard_log=str(tmp_path))
    train(model, AttentionMapCallback(ProbeSet.from_observations(observations)))
    reader = events(tmp_path / "PPO_1")
    tags = reader.Tags()
    assert tags["images"] == [f"attention_map/probe{i:02d}" for i in range(5)]
    steps = [event.step for event in reader.Images("attention_map/probe00")]
    assert steps[0] == 0
    assert steps[-1] == STEPS
    assert 8 <= len(steps) <= 10
    assert steps == sorted(set(steps))
    sizes = {(e.width, e.height) for e in reader.Images("attention_map/probe03")}
    assert len(sizes) == 1
    assert min(sizes.pop()) > 50
    curves = [tag for tag in tags["scalars"] if tag.startswith("attention/")]
    for name in ("entropy", "entropy_l0h1", "top1", "top1_l0h0", "head_js_l0", "drift"):
        assert f"attention/{name}" in curves
    for tag in curves:
        points = reader.Scalars(tag)
        assert [point.step for point in points] == steps
        assert all(0 <= point.value <= 1 for point in points)
    drift = [point.value for point in reader.Scalars("attention/drift")]
    assert drift[0] == 0
    assert all(value > 0 for value in drift[1:])


def test_the_folder_holds_probes_and_snapshots(make_model, observations, tmp_path):
    probes = ProbeSet.from_observations(observations)
    model = make_model("ppo")
    train(model, AttentionMapCallback(probes, folder=tmp_path))
    assert ProbeSet.load(tmp_path / "probes.npz").digest == probes.digest
    stored = list_snapshots(tmp_path)
    assert {0, STEPS} <= set(stored)
    last = read_snapshot(stored[STEPS])
    assert last.probes_digest == probes.digest
    (now,) = record(model, observations).values()
    assert np.array_equal(last.layers["l0"].weights, now.weights)


def test_the_first_snapshot_is_from_before_training(make_model, observations, tmp_path):
    (untrained,) = record(make_model("ppo"), observations).values()
    train(
        make_model("ppo"),
        AttentionMapCallback(ProbeSet.from_observations(observations), folder=tmp_path),
    )
    first = read_snapshot(list_snapshots(tmp_path)[0])
    assert np.array_equal(first.layers["l0"].weights, untrained.weights)


@pytest.mark.parametrize(
    "real", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["tiny", "ours"]
)
def test_watching_changes_nothing(make_model, algorithm, real, tmp_path, weights_of, assert_same):
    def make_model_of(name):
        return make_model(name, extractor=AttentionExtractor) if real else make_model(name)

    steps = 200
    plain = train(make_model_of(algorithm), None, steps)
    watched = train(make_model_of(algorithm), AttentionMapCallback(folder=tmp_path), steps)
    assert len(list_snapshots(tmp_path)) >= 8
    assert_same(weights_of(plain), weights_of(watched))
    untouched = weights_of(make_model_of(algorithm))
    assert any((value != untouched[name]).any() for name, value in weights_of(plain).items())


@pytest.mark.parametrize("name", ["dqn", "sac"])
def test_off_policy_snapshots_begin_when_learning_does(make_model, name, tmp_path):
    train(make_model(name), AttentionMapCallback(folder=tmp_path), 200)
    steps = list(list_snapshots(tmp_path))
    assert steps[0] == 0
    assert steps[1] > 40
    assert steps[-1] >= 200
    maps = [read_snapshot(path).layers["l0"].weights for path in list_snapshots(tmp_path).values()]
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(maps))


def test_own_probes_are_the_first_observations(make_model, tmp_path):
    model = make_model("ppo", n_envs=6)
    first = make_model("ppo", n_envs=6).get_env().reset()
    train(model, AttentionMapCallback(folder=tmp_path), 200)
    kept = ProbeSet.load(tmp_path / "probes.npz").observations
    assert len(kept["mask"]) == 4
    assert all(np.array_equal(kept[key], first[key][:4]) for key in first)


def test_a_policy_without_attention_says_so_once(make_model, plain_extractor, tmp_path):
    model = make_model("ppo", extractor=plain_extractor)
    model.set_logger(configure(str(tmp_path / "log"), ["log"]))
    train(model, AttentionMapCallback())  # not even a place to write is needed
    train(make_model("dqn", extractor=plain_extractor), AttentionMapCallback(folder=tmp_path), 100)
    model.logger.close()
    assert (tmp_path / "log" / "log.txt").read_text().count("no attention in this PPO policy") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_nowhere_to_write_is_an_error(make_model):
    with pytest.raises(UserError, match="nowhere to go"):
        train(make_model("ppo"), AttentionMapCallback())


def test_too_few_snapshots_are_refused():
    with pytest.raises(UserError, match="at least 2"):
        AttentionMapCallback(snapshots=1)


def test_first_and_last_alone(make_model, tmp_path):
    train(make_model("ppo"), AttentionMapCallback(folder=tmp_path, snapshots=2))
    assert list(list_snapshots(tmp_path)) == [0, STEPS]


@pytest.mark.parametrize("watching_first", [True, False])
def test_a_broken_training_carries_on(make_model, tmp_path, monkeypatch, watching_first):
    """Broken off at 320 of 640 and continued by a new callback: the same snapshots and curves."""
    curves = []
    real = module.summarise

    def note(*given):
        curves[-1].append(real(*given))
        return real(*given)

    class Break(BaseCallback):
        def _on_rollout_start(self):
            if self.model.num_timesteps == 320:
                raise KeyError("power cut")

        def _on_step(self):
            return True

    monkeypatch.setattr(module, "summarise", note)
    curves.append([])
    train(make_model("ppo"), AttentionMapCallback(folder=tmp_path / "whole"))
    curves.append([])
    model = make_model("ppo")
    callbacks = [Break(), AttentionMapCallback(folder=tmp_path / "parts")]
    with pytest.raises(KeyError, match="power cut"):
        train(model, callbacks[::-1] if watching_first else callbacks)
    again = AttentionMapCallback(folder=tmp_path / "parts")
    train(model, again, STEPS - 320, reset_num_timesteps=False)
    whole, parts = (list_snapshots(tmp_path / name) for name in ("whole", "parts"))
    assert list(whole) == list(parts)
    assert all(whole[step].read_bytes() == parts[step].read_bytes() for step in whole)
    assert (tmp_path / "whole/probes.npz").read_bytes() == (
        tmp_path / "parts/probes.npz"
    ).read_bytes()
    assert all(curve in curves[0] for curve in curves[1])
    assert all(curve in curves[1] for curve in curves[0])


def test_snapshots_of_another_history_are_dropped(make_model, tmp_path):
    train(make_model("ppo"), AttentionMapCallback(folder=tmp_path), 640)
    train(make_model("ppo"), AttentionMapCallback(folder=tmp_path), 320)
    assert max(list_snapshots(tmp_path)) == 320


def test_other_probes_are_refused_when_training_goes_on(make_model, observations, tmp_path):
    model = make_model("ppo")
    probes = ProbeSet.from_observations(observations)
    train(model, AttentionMapCallback(probes, folder=tmp_path), 64)
    with pytest.raises(UserError, match="holds other probes"):
        train(
            model,
            AttentionMapCallback(probes.take([0]), folder=tmp_path),
            64,
            reset_num_timesteps=False,
        )


def test_the_same_callback_again_without_a_folder(make_model, tmp_path):
    callback = AttentionMapCallback()
    for run in (1, 2):
        train(make_model("ppo", tensorboard_log=str(tmp_path)), callback, 320)
        reader = events(tmp_path / f"PPO_{run}")
        points = reader.Scalars("attention/drift")
        assert (points[0].step, points[0].value, points[-1].step) == (0, 0.0, 320)


def test_probes_pass_through_vec_normalize(make_model, observations, tmp_path):
    model = make_model("ppo")
    venv = VecNormalize(model.get_env(), norm_obs_keys=["entities"], norm_reward=False)
    # VecNormalize takes float spaces only
    space = venv.observation_space
    space.spaces["entities"].dtype = np.dtype(np.float32)
    model.set_env(venv)
    probes = ProbeSet.from_observations(observations)
    train(model, AttentionMapCallback(probes, folder=tmp_path), 64)
    last = read_snapshot(list_snapshots(tmp_path)[64])
    (raw,) = record(model, observations).values()
    (seen,) = record(model, venv.normalize_obs(dict(observations))).values()
    assert np.array_equal(last.layers["l0"].weights, seen.weights)
    assert not np.array_equal(raw.weights, seen.weights)
    assert ProbeSet.load(tmp_path / "probes.npz").digest == probes.digest


def test_pictures_use_the_frames(make_model, observations, tmp_path):
    rng = np.random.default_rng(0)
    boxes = np.tile(np.array([[0, 0, 32, 32]], dtype=np.int32), (5, 6, 1))
    probes = dataclasses.replace(
        ProbeSet.from_observations(observations),
        frames=rng.integers(0, 255, (5, 64, 64, 3), dtype=np.uint8),
        boxes=boxes,
        types=np.full((5, 6), "key"),
    )
    model = make_model("ppo", tensorboard_log=str(tmp_path))
    train(model, AttentionMapCallback(probes, snapshots=2), 64)
    reader = events(tmp_path / "PPO_1")
    (size,) = {(e.width, e.height) for e in reader.Images("attention_map/probe00")}
    assert size[0] > 4 * 160
    (mass,) = {round(e.value, 5) for e in reader.Scalars("attention/mass_key")}
    assert mass == 1
