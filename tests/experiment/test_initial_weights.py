"""A run that begins with the weights of another: `train --from`."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from imitations_for_tests import BASE, LEVEL, imitation

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.initial_weights import begin_with, check_init, describe_source
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.models import build_model
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate
from rl_attention.experiment.weights import named_tensors
from rl_attention.recording import list_snapshots, read_snapshot

PLAIN = {key: part for key, part in BASE.items() if key != "imitation"} | {"n_timesteps": 64}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    run_trial(imitation(), folder)
    return folder


def going_on(source, **changes):
    init = describe_source(source).model_dump()
    return validate(RunConfig, merge({**PLAIN, "init": init}, changes))


def begun(config):
    """The weights that a run begins with, before and after it takes over those of its source."""
    env = build_env(config)
    model = build_model(config, env)
    fresh = {n: t.detach().clone() for n, t in named_tensors(model.policy).items()}
    begin_with(config, model, env)
    env.close()
    return fresh, named_tensors(model.policy)


def saved(folder):
    loaded = load_policy(folder)
    loaded.env.close()
    return named_tensors(loaded.model.policy)


def test_the_model_begins_with_the_very_weights(source):
    fresh, found = begun(going_on(source, hyperparams={"value_gain": 0.01}))
    # the critic that no label taught is the run's own, small where it is asked for
    wanted = {n: fresh[n] if n.startswith("value_net.") else t for n, t in saved(source).items()}
    assert all(torch.equal(t, wanted[n]) for n, t in found.items())
    _, large = begun(going_on(source))
    assert torch.equal(found["value_net.weight"], 0.01 * large["value_net.weight"])


def test_a_trained_critic_is_taken_over(source, tmp_path):
    run_trial(going_on(source), tmp_path)
    _, found = begun(going_on(tmp_path, hyperparams={"value_gain": 0.01}))
    assert all(torch.equal(t, found[n]) for n, t in saved(tmp_path).items())


def test_another_spelling_of_the_source_is_the_same_run(source, tmp_path, monkeypatch):
    config = going_on(source)
    results = run_trial(config, tmp_path / "run")
    monkeypatch.chdir(source.parent)
    again = going_on(Path(source.name))
    assert again != config
    assert run_trial(again, tmp_path / "run") == results


def test_the_memory_of_a_recurrent_run_is_of_its_network(tmp_path):
    recurrent = {"algo": "ppo_lstm", "hyperparams": {"n_steps": 16, "lstm_hidden_size": 8}}
    run_trial(validate(RunConfig, merge(PLAIN, recurrent)), tmp_path)
    larger = {**recurrent, "hyperparams": {"n_steps": 16, "lstm_hidden_size": 16}}
    with pytest.raises(UserError, match=r"hyperparams\.lstm_hidden_size 16 .* has 8"):
        check_init(going_on(tmp_path, **larger))
    with pytest.raises(UserError, match="of another kind than that of ppo_lstm"):
        check_init(going_on(tmp_path))
    check_init(going_on(tmp_path, **recurrent))


def test_the_first_rollout_takes_the_actions_of_the_other_run(source, tmp_path):
    """Steps too small to change an action: the run ends where it began, and acts alike."""
    run_trial(going_on(source, hyperparams={"learning_rate": 1e-12}), tmp_path)
    one, other = load_policy(source), load_policy(tmp_path)
    seen = one.env.reset()
    for _ in range(20):
        actions = [run.model.predict(seen, deterministic=True)[0] for run in (one, other)]
        np.testing.assert_array_equal(*actions)
        seen = one.env.step(actions[0])[0]
    for run in (one, other):
        run.env.close()


def test_its_first_maps_are_the_last_of_the_other_run(source, tmp_path):
    run_trial(going_on(source), tmp_path)
    last = read_snapshot(list_snapshots(source)[70])
    first = read_snapshot(list_snapshots(tmp_path)[0])
    for label, layer in last.layers.items():
        np.testing.assert_array_equal(first.layers[label].weights, layer.weights)


def test_the_same_config_finds_its_results_though_the_source_is_gone(source, tmp_path):
    copy = shutil.copytree(source, tmp_path / "copy")
    config = going_on(copy)
    results = run_trial(config, tmp_path / "run")
    shutil.rmtree(copy)
    assert run_trial(config, tmp_path / "run") == results
    assert "imitation" not in results.settings


def test_a_source_that_was_trained_again_is_refused(source, tmp_path):
    other = tmp_path / "other"
    config = going_on(source)
    run_trial(config, tmp_path / "run")
    run_trial(imitation(seed=1), other)
    moved = shutil.copytree(source, tmp_path / "moved")
    then = going_on(moved)
    shutil.copy(other / "policy.safetensors", moved / "policy.safetensors")
    with pytest.raises(UserError, match="are not those that this run is to begin with"):
        check_init(then)
    with pytest.raises(UserError, match=r"init\.(path|sha256) is"):
        run_trial(going_on(moved), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arm": "uniform"}, "the arm 'uniform'"),
        ({"extractor": {"n_blocks": 2}}, "extractor.n_blocks 2"),
        ({"net_arch": [16]}, "net_arch"),
        ({"env": {"view": "cells"}}, "sees what this one sees"),
        ({"env": {"max_entities": 8}}, "sees what this one sees"),
        ({"env": {"id": "BabyAI-GoToSeq-v0"}}, "sees what this one sees"),
        ({"algo": "dqn"}, "expected a run of dqn"),
    ],
)
def test_a_network_of_another_kind_is_refused(source, tmp_path, changes, says):
    config = going_on(source, **changes)
    with pytest.raises(UserError, match=says):
        run_trial(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_level_with_the_same_observations_is_no_other_kind(source):
    check_init(going_on(source, env={"id": "BabyAI-PickupLoc-v0"}))
    assert RunFolder(source).read_config().env.id == LEVEL


def test_an_unfinished_run_has_no_weights_to_begin_with(tmp_path):
    RunFolder(tmp_path).begin(imitation())
    with pytest.raises(UserError, match="expected a finished run"):
        describe_source(tmp_path)
