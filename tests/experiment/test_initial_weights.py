"""A run that begins with the weights of another: `train --from`."""

import shutil

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


def test_the_model_begins_with_the_very_weights(source):
    config, loaded = going_on(source), load_policy(source)
    env = build_env(config)
    model = build_model(config, env)
    begin_with(config, model, env)
    wanted = named_tensors(loaded.model.policy)
    assert all(torch.equal(t, wanted[n]) for n, t in named_tensors(model.policy).items())
    env.close()
    loaded.env.close()


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
