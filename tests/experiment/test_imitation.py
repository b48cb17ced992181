import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from imitations_for_tests import BASE, DAGGER, LEVEL, imitation
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.comparison import read_run
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import (
    EVALUATION,
    HELD_OUT,
    JUDGING,
    TRAINING,
    build_env,
    build_taught_envs,
    derive_seed,
)
from rl_attention.experiment.evaluation import evaluate
from rl_attention.experiment.imitation.config import ImitationConfig
from rl_attention.experiment.imitation.log import ImitationLog
from rl_attention.experiment.imitation.trial import hold_out
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_folder import RunFolder, locate
from rl_attention.experiment.suite_config import load_suite
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate
from rl_attention.recording import list_snapshots
from rl_attention.sweep.records import find_record, keep
from rl_attention.sweep.trials import Trial
from rl_attention_envs.bot import Adviser
from rl_attention_envs.seeding import spread_seed


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cloned")
    return folder, run_trial(imitation(), folder)


@pytest.fixture(scope="module")
def daggered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("daggered")
    return folder, run_trial(imitation(**DAGGER), folder)


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@given(labels=st.integers(1, 5000), rounds=st.integers(1, 20))
def test_both_methods_share_out_exactly_their_labels(labels, rounds):
    cloning = ImitationConfig(labels=labels, rounds=rounds)
    dagger = ImitationConfig(method="dagger", labels=labels, rounds=rounds)
    assert cloning.shares() == (labels,)
    assert cloning.held_out_shares() == (cloning.held_out,)
    for count, shares in (
        (labels, dagger.shares()),
        (dagger.held_out, dagger.held_out_shares()),
    ):
        assert sum(shares) == count
        assert len(shares) == rounds
        assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("method", ["bc", "dagger"])
def test_the_bot_is_asked_exactly_as_often_as_it_says(tmp_path, monkeypatch, method):
    asked = []
    advise = Adviser.advise

    def count(self, taken=None):
        asked.append(taken)
        return advise(self, taken)

    monkeypatch.setattr(Adviser, "advise", count)
    changes = {"method": method, "labels": 101, "rounds": 3}
    config = imitation(imitation=changes)
    results = run_trial(config, tmp_path)
    assert results.imitation.questions == results.frames == results.n_timesteps == 101
    later = sum(config.imitation.held_out_shares()[1:])
    assert bool(later) == (method == "dagger")
    assert len(asked) == 101 + BASE["imitation"]["held_out"] + later


def test_equal_seeds_leave_equal_files(daggered, tmp_path):
    run_trial(imitation(**DAGGER), tmp_path)
    for name in ("policy.safetensors", "metrics.jsonl", "attention/step_000000140.npz"):
        assert (tmp_path / name).read_bytes() == (daggered[0] / name).read_bytes(), name


def test_another_seed_is_another_run(cloned, tmp_path):
    run_trial(imitation(seed=1), tmp_path)
    assert metrics(tmp_path) != metrics(cloned[0])


def test_the_first_round_of_dagger_is_cloning(cloned, daggered):
    first = [line for line in metrics(daggered[0]) if line["round"] == 0]
    assert first == metrics(cloned[0])
    assert {line["step"] for line in first} == {70}


def test_the_later_rounds_of_dagger_are_not(daggered, tmp_path):
    more = {"imitation": {"method": "bc", "labels": 140}}
    run_trial(imitation(**more), tmp_path)
    one, other = (load_file(RunFolder(f).policy) for f in (daggered[0], tmp_path))
    assert not torch.equal(one["action_net.weight"], other["action_net.weight"])


@pytest.mark.parametrize("seed", range(5))
def test_held_out_steps_come_from_seeds_of_their_own(seed):
    config = imitation(seed=seed)
    streams = (TRAINING, HELD_OUT, JUDGING)
    seeds = [set(build_taught_envs(config, stream=stream).seeds) for stream in streams]
    seeds.append(set(spread_seed(derive_seed(seed, EVALUATION), 64)))
    assert len(set.union(*seeds)) == sum(len(own) for own in seeds)


def test_a_run_leaves_everything_in_its_folder(cloned):
    folder, results = cloned
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "config.yaml", "manifest.json", "vocabulary.json", "probes.npz", "progress.json",
        "results.json", "policy.safetensors", "model.zip", "tensorboard", "attention",
        "metrics.jsonl",
    }  # fmt: skip
    assert list(list_snapshots(folder)) == [0, 70]
    assert json.loads((folder / "progress.json").read_text())["step"] == 70
    assert RunFolder(folder).find_results(imitation()) == results
    assert read_run(folder).success_rate == results.success_rate


def test_tensorboard_has_the_curves(cloned):
    events = EventAccumulator(str(cloned[0] / "tensorboard"))
    events.Reload()
    for name in ("loss", "accuracy", "held_out_loss", "held_out_accuracy", "judged_accuracy"):
        points = events.Scalars(f"imitation/{name}")
        assert [point.step for point in points] == [1, 2]
        assert points[-1].value == pytest.approx(metrics(cloned[0])[-1][name])


def test_the_epoch_that_is_kept_is_the_best_on_held_out_steps(cloned):
    folder, results = cloned
    best = max(metrics(folder), key=lambda line: line["held_out_accuracy"])
    assert results.imitation.held_out_accuracy == best["held_out_accuracy"]
    loaded = load_policy(folder)
    steps, _ = hold_out(loaded.config)
    actions, _ = loaded.model.predict(steps.observations, deterministic=True)
    assert np.mean(actions == steps.actions) == pytest.approx(best["held_out_accuracy"])
    loaded.env.close()


def test_a_clone_is_judged_by_held_out_steps_and_dagger_by_those_of_its_rounds(cloned, daggered):
    for line in metrics(cloned[0]):
        assert line["judged_accuracy"] == line["held_out_accuracy"]
    folder, results = daggered
    rounds: dict[int, list] = {}
    for line in metrics(folder):
        rounds.setdefault(line["round"], []).append(line)
    assert all(line["judged_accuracy"] == line["held_out_accuracy"] for line in rounds[0])
    last = rounds[max(rounds)]
    assert any(line["judged_accuracy"] != line["held_out_accuracy"] for line in last)
    kept = max(last, key=lambda line: line["judged_accuracy"])
    assert results.imitation.held_out_accuracy == kept["held_out_accuracy"]
    assert results.imitation.accuracy == kept["accuracy"]


def test_patience_ends_a_fit(tmp_path):
    changes = {"n_epochs": 9, "patience": 1, "learning_rate": 1e-9, "keep_best": False}
    results = run_trial(imitation(imitation=changes), tmp_path)
    assert results.imitation.epochs == 2  # nothing gets better


def test_the_folder_can_be_evaluated(cloned):
    folder, results = cloned
    loaded = load_policy(folder)
    again = evaluate(loaded.model, loaded.config, loaded.env)
    loaded.env.close()
    assert again.returns.tolist() == results.episode_returns


def test_a_finished_folder_is_left_alone_and_another_config_refused(cloned):
    folder, results = cloned
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run_trial(imitation(), folder) == results
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    with pytest.raises(UserError, match=r"imitation.labels is 70 there, 71 here"):
        run_trial(imitation(imitation={"labels": 71}), folder)


def test_ctrl_c_keeps_the_network_and_the_same_command_finishes(cloned, tmp_path, monkeypatch):
    def stop(self, index, epoch):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ImitationLog, "add", stop)
        with pytest.raises(RunInterrupted, match="70 of 70 labels; the same command begins anew"):
            run_trial(imitation(), tmp_path)
    assert RunFolder(tmp_path).interrupted.exists()
    assert not RunFolder(tmp_path).policy.exists()
    run_trial(imitation(), tmp_path)
    assert not RunFolder(tmp_path).interrupted.exists()
    one, other = (RunFolder(f).policy.read_bytes() for f in (cloned[0], tmp_path))
    assert one == other


@pytest.mark.parametrize(
    "changes",
    [
        {"algo": "a2c", "hyperparams": {}},
        {"arm": "cnn", "env": {"view": "cells"}, "extractor": {"width": 32, "feedforward": 32}},
        {"arm": "flat", "env": {"view": "flat"}},
        {"env": {"view": "pixels"}, "imitation": {"labels": 20, "held_out": 20, "n_epochs": 1}},
    ],
    ids=["a2c", "cnn", "flat", "pixels"],
)
def test_other_algorithms_arms_and_views_learn_too(tmp_path, changes):
    base = {**BASE, "hyperparams": {}} if "algo" in changes else BASE
    config = validate(RunConfig, merge(base, changes))
    assert run_trial(config, tmp_path).imitation.epochs == config.imitation.n_epochs


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"algo": "dqn"}, "expected ppo or a2c with imitation"),
        ({"arm": "flat", "env": {"view": "flat", "normalize": True}}, "env.normalize"),
        ({"attention_ent_coef": 0.01}, "attention_ent_coef"),
        ({"imitation": {"method": "dagger", "labels": 3}}, "imitation.rounds"),
        ({"imitation": {"labels": 0}}, "imitation.labels"),
        ({"init": {"path": "x", "sha256": "0" * 64}}, "init: expected none"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, says):
    base = {**BASE, "hyperparams": {}} if "algo" in changes else BASE
    with pytest.raises(UserError, match=says):
        validate(RunConfig, merge(base, changes))


def test_a_level_beyond_the_bot_is_refused_before_anything_is_written(tmp_path):
    config = imitation(env={"id": "BabyAI-KeyInBox-v0"})
    with pytest.raises(UserError, match="reached the goal of 0 in"):
        run_trial(config, tmp_path)
    assert not RunFolder(tmp_path).config.exists()


def test_an_environment_without_a_bot_is_refused(tmp_path):
    with pytest.raises(UserError, match="expected an environment of BabyAI"):
        run_trial(imitation(env={"id": "MiniGrid-DoorKey-5x5-v0"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_config_without_the_groups_is_written_as_ever():
    plain = validate(RunConfig, {"env": {"id": LEVEL}})
    assert not {"imitation", "init"} & plain.dump().keys()
    assert validate(RunConfig, plain.dump()) == plain
    asked = imitation()
    assert validate(RunConfig, asked.dump()) == asked
    assert asked.n_timesteps == 70


def test_cloning_dagger_and_training_have_folders_of_their_own(tmp_path):
    runs = [imitation(), imitation(**DAGGER), validate(RunConfig, {"env": {"id": LEVEL}})]
    names = [locate(tmp_path, run).name for run in runs]
    assert names == ["attention_bc_s0", "attention_dagger_s0", "attention_ppo_s0"]


def test_results_are_read_back(cloned):
    folder, results = cloned
    data = json.loads((folder / "results.json").read_text())
    assert Results.from_dict(data, source=folder) == results
    data["imitation"]["accuracy"] = 2
    with pytest.raises(UserError, match="accuracy: expected a number from 0 to 1"):
        Results.from_dict(data, source=folder)


def test_a_suite_keeps_the_small_file_of_an_imitation(cloned, tmp_path):
    kept = tmp_path / "level" / "attention_s0.result.json"
    trial = Trial("attention", 0, imitation(), cloned[0], "level", kept)
    keep(trial)
    assert find_record(trial) == kept
    assert json.loads(kept.read_text())["imitation"]["questions"] == 70


def test_the_packaged_suite_has_equal_labels_in_each_task():
    suite = load_suite("imitation")
    for task in suite.tasks.values():
        runs = [task.run(arm, 0) for arm in task.arms]
        assert len({run.imitation.labels for run in runs}) == 1
        assert {(run.arm, run.imitation.method) for run in runs} == {
            (arm, method)
            for arm in ("attention", "uniform", "cnn", "mlp")
            for method in ("bc", "dagger")
        }
    found = {task: suite.tasks[task].run("mlp-bc", 0).n_timesteps for task in suite.tasks}
    assert found == {"gotolocal-5k": 5000, "gotolocal-35k": 35_000}


def test_the_learner_sees_what_the_evaluation_shows():
    config = imitation()
    taught, env = build_taught_envs(config, stream=TRAINING), build_env(config)
    shown = taught.observe(np.arange(4))
    assert env.observation_space.contains({key: part[0] for key, part in shown.items()})
    env.close()


@pytest.mark.slow
def test_two_thousand_labels_teach_more_than_the_most_frequent_action(tmp_path):
    config = validate(
        RunConfig,
        {
            "env": {"id": LEVEL},
            "imitation": {"labels": 2000, "held_out": 1000},
            "eval": {"n_episodes": 8},
            "recording": {"snapshots": 0},
            "device": "cpu",
            "num_threads": 1,
        },
    )
    results = run_trial(config, tmp_path)
    steps, bot_success = hold_out(config)
    _, counts = np.unique(steps.actions, return_counts=True)
    most_frequent = counts.max() / len(steps)
    assert bot_success == 1
    assert results.imitation.held_out_accuracy > most_frequent + 0.08
