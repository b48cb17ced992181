"""Runs whose agent sees the last frames of its episode."""

import numpy as np
import pytest
from stable_baselines3.common.buffers import DictRolloutBuffer

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env, observation_space
from rl_attention.experiment.evaluation import evaluate
from rl_attention.experiment.explaining import explain_runs
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.models import build_model
from rl_attention.experiment.probing import make_probe_set, play_windows
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate
from rl_attention.history import HistoryRolloutBuffer
from rl_attention.recording.snapshots import list_snapshots, read_snapshot


def recall(n_frames=9, **changes):
    data = {
        "env": {"id": "Recall-8-v0", "n_envs": 8, "max_entities": 4, "n_frames": n_frames},
        "hyperparams": {"n_steps": 18},
        "n_timesteps": 288,
        "extractor": {"width": 16, "n_heads": 2, "features_dim": 16, "feedforward": 16},
        "net_arch": [16],
        "recording": {"snapshots": 2, "n_probes": 3},
        "eval": {"n_episodes": 8},
        "device": "cpu",
        "num_threads": 1,
    }
    return validate(RunConfig, {**data, **changes})


@pytest.mark.parametrize("arm", ["attention", "uniform", "mlp"])
@pytest.mark.parametrize(
    ("frames", "slots"), [("entities", 3 * (4 + 1)), ("newest", 4 + 3), ("summary", 3)]
)
def test_a_run_leaves_maps_of_past_steps(arm, frames, slots, tmp_path):
    sizes = {"width": 16, "n_heads": 2, "features_dim": 32, "feedforward": 64, "frames": frames}
    config = recall(arm=arm, extractor=sizes, n_frames=3)
    results = run_trial(config, tmp_path / "run")
    assert results.frames == 288
    assert results.settings["env"]["n_frames"] == 3
    snapshots = list_snapshots(RunFolder(tmp_path / "run").path)
    assert len(snapshots) == (0 if arm == "mlp" else 2)
    for path in snapshots.values():
        layers = read_snapshot(path).layers.values()
        assert all(layer.weights.shape[-1] in (slots, slots + 1) for layer in layers)
    loaded = load_policy(tmp_path / "run")
    try:
        first = evaluate(loaded.model, loaded.config, loaded.env)
        assert first.returns.tolist() == results.episode_returns
    finally:
        loaded.env.close()


@pytest.mark.slow
def test_a_run_that_sees_past_frames_is_explained(tmp_path):
    run_trial(recall(n_frames=9), tmp_path / "run")
    found = explain_runs([tmp_path / "run"], n_episodes=4, n_states=10)
    assert found.n_states == 10
    assert "attention" in found.maps


def test_rollouts_keep_each_frame_once():
    config = recall(n_frames=9)
    env = build_env(config)
    buffer = build_model(config, env).rollout_buffer
    assert isinstance(buffer, HistoryRolloutBuffer)
    env.close()
    plain = recall(n_frames=None)
    env = build_env(plain)
    assert type(build_model(plain, env).rollout_buffer) is DictRolloutBuffer
    env.close()


def test_what_is_made_is_what_is_said_to_be_made():
    config = recall(n_frames=4)
    env = build_env(config, n_envs=1)
    assert env.observation_space == observation_space(config.env)
    assert env.observation_space["frames"].shape == (4, 4, 5)
    env.close()


def test_probes_are_windows_from_the_cue_to_the_question():
    config = recall(n_frames=9, recording={"n_probes": 5})
    probes = make_probe_set(config)
    again = make_probe_set(config.model_copy(update={"seed": 7, "arm": "mlp"}))
    for key, values in probes.observations.items():
        np.testing.assert_array_equal(values, again.observations[key])
    shown = probes.observations["frames_steps"].sum(axis=1)
    assert shown.tolist() == [1, 5, 9, 9, 9]  # 16 steps are asked for, an episode has 9
    labels = [set(row) for row in probes.labels]
    assert any(name.startswith("now cue") for name in labels[0])
    assert any(name.startswith("now question") for name in labels[-1])
    assert any(name.startswith("-8 cue") for name in labels[-1])


def test_windows_are_kept_where_they_are_asked_for():
    env = build_env(recall(n_frames=6), n_envs=3)
    probes = play_windows(env, np.array([0, 2, 4]))
    assert probes.observations["frames_steps"].sum(axis=1).tolist() == [1, 3, 5]
    env.close()


def test_the_size_of_the_view_reaches_the_environment():
    config = validate(
        RunConfig, {"env": {"id": "MemoryCue-S7-v0", "agent_view_size": 3, "max_entities": 4}}
    )
    assert observation_space(config.env)["walls"].shape == (9,)
    env = build_env(config, n_envs=2)
    assert env.observation_space == observation_space(config.env)
    env.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_frames": 0}, "n_frames"),
        ({"agent_view_size": 2}, "agent_view_size"),
        ({"n_frames": 2, "view": "cells"}, "env.n_frames: expected the view 'entities'"),
    ],
)
def test_what_cannot_be_shown_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        validate(RunConfig, {"env": {"id": "Recall-8-v0", **changes}})


def test_settings_that_mean_nothing_are_refused():
    env = {"id": "Recall-8-v0"}
    with pytest.raises(UserError, match=r"extractor.frames: means nothing without env.n_frames"):
        validate(RunConfig, {"env": env, "extractor": {"frames": "summary"}})
    for changes in ({"n_frames": 2}, {"agent_view_size": 3}):
        with pytest.raises(UserError, match="with imitation"):
            validate(RunConfig, {"env": {**env, **changes}, "imitation": {}})


def test_an_arm_that_reads_a_grid_is_named_where_frames_are_asked_for():
    with pytest.raises(UserError, match="which arm 'cnn' needs: take another arm"):
        validate(RunConfig, {"env": {"id": "Recall-8-v0", "n_frames": 9}, "arm": "cnn"})
