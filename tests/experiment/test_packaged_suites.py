"""The suites that come with the package are what they say."""

import json
import re
from pathlib import Path

import pytest

from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model, count_model_parameters
from rl_attention.experiment.overrides import flatten
from rl_attention.experiment.search_config import load_tuning
from rl_attention.experiment.suite_config import load_suite
from rl_attention.experiment.task_files import packaged_suites
from rl_attention.experiment.zero_shot import check_zero_shot

ROOT = Path(__file__).parents[2]
COMPARISONS = ("quick", "core", "full")
TARGETED = ("box-world", "language", "memory")
SUITES = (*COMPARISONS, *TARGETED)
OTHER_SIZES = ("flat", "attention-patches", "lstm", "lstm-short", "none")
"""Their inputs are what they are, so their sizes are too; so is that of an LSTM's features."""


def test_the_packaged_suites():
    assert packaged_suites().keys() >= {*SUITES, "tuning", "tuning-language"}


def test_the_docs_know_how_large_each_suite_is():
    text = (ROOT / "docs/suites.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert {row[0] for row in rows} == {*SUITES, "imitation", "wall-time"}
    for name, *said in rows:
        suite = load_suite(name)
        seeds = {len(task.seeds) for task in suite.tasks.values()}
        assert [int(count) for count in said] == [len(suite.tasks), len(suite.arms), *seeds], name


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_every_zero_shot_test_can_be_taken(name):
    for task in load_suite(name).tasks.values():
        for arm in task.arms:
            check_zero_shot(task.run(arm, 0))


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_arms_of_a_task_have_as_many_parameters_within_five_percent(name):
    for title, task in load_suite(name).tasks.items():
        counts = {arm: count(task.run(arm, 0)) for arm in task.arms if arm not in OTHER_SIZES}
        wanted = next(iter(counts.values()))
        for arm, found in counts.items():
            assert found == pytest.approx(wanted, rel=0.05), (title, arm)


def count(config):
    env = build_env(config)
    try:
        model = build_model(config, env)
        return count_model_parameters(model)["policy"]
    finally:
        env.close()


@pytest.mark.parametrize("name", SUITES)
def test_arms_of_a_task_share_frames_and_evaluation(name):
    for task in load_suite(name).tasks.values():
        runs = [task.run(arm, 0) for arm in task.arms]
        assert len({run.n_timesteps for run in runs}) == 1
        assert len({run.eval.model_dump_json() for run in runs}) == 1
        assert len({run.hyperparams.gamma for run in runs if run.arm != "flat"}) == 1


@pytest.mark.parametrize("name", SUITES)
def test_arms_of_a_task_have_as_many_updates_of_as_many_frames(name):
    """In `memory` an LSTM with longer rollouts has fewer updates, and one with theirs as many."""
    others = {"memory": ("lstm",)}.get(name, ("flat",))
    for title, task in load_suite(name).tasks.items():
        runs = [task.run(arm, 0) for arm in task.arms if arm not in others]
        rollouts = {(run.env.n_envs, run.hyperparams.n_steps) for run in runs}
        passes = {(run.hyperparams.n_epochs, run.hyperparams.batch_size) for run in runs}
        assert len(rollouts) == len(passes) == 1, title


def test_core_is_small_enough_to_be_run():
    tasks = load_suite("core").tasks
    assert len(tasks) <= 8
    assert all(task.n_timesteps <= 450_000 and len(task.seeds) == 5 for task in tasks.values())


@pytest.fixture(scope="module")
def found():
    return json.loads((ROOT / "docs" / "results" / "tuning.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_arm_has_the_settings_that_tuning_found_for_it(name, found):
    kinds = tuple(f"attention-{kind}" for kind in ("rezero", "words", "cells", "patches"))
    owners = {"mlp-cells": "mlp", **dict.fromkeys(kinds, "attention")}
    for task in load_suite(name).tasks.values():
        for arm in task.arms:
            if arm != "flat":
                best = found["arms"][owners.get(arm, arm)]["settings"]
                given = flatten(task.run(arm, 0).dump())
                assert {path: given[path] for path in best} == best, arm


def test_what_tuning_found_is_of_the_packaged_search(found):
    searched = load_tuning("tuning")
    assert found["arms"].keys() == set(searched.arms) == {"attention", "uniform", "mlp", "cnn"}
    assert found["seeds"] == list(searched.seeds)
    for arm in found["arms"].values():
        assert len(arm["trials"]) == searched.n_trials


def test_rl_zoos_arm_has_rl_zoos_settings_in_every_suite():
    published = {
        "learning_rate": 2.5e-4,
        "n_steps": 128,
        "batch_size": 64,
        "n_epochs": 10,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "clip_range": 0.2,
        "ent_coef": 0.0,
        "vf_coef": 0.5,
        "max_grad_norm": 0.5,
        "value_gain": 1.0,  # as in SB3
    }
    for name in ("full", "wall-time"):
        run = load_suite(name).tasks["doorkey-5x5"].run("flat", 0)
        given = run.hyperparams.model_dump()
        assert {key: given[key] for key in published} == published
        assert (run.env.backend, run.env.n_envs, run.env.normalize) == ("gymnasium", 8, True)


@pytest.mark.parametrize("search", ["tuning", "tuning-language"])
def test_tuning_never_sees_the_seeds_of_a_comparison(search):
    searched = load_tuning(search)
    for name in SUITES:
        for task in load_suite(name).tasks.values():
            assert not set(searched.seeds) & set(task.seeds)
