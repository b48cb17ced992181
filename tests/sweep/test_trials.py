from pathlib import Path

import pytest

from rl_attention.errors import UserError
from rl_attention.experiment.suite_config import parse_suite
from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep.trials import expand, expand_suite, hash_settings, locate_by_hash

TASK = parse_task(
    {
        "env": {"id": "E"},
        "arms": {"attention": {}, "deep": {"extractor": {"n_blocks": 3}}},
        "seeds": [4, 5],
    }
)


def test_every_arm_meets_every_seed_and_a_seed_is_finished_first():
    trials = expand(TASK, Path("runs"))
    assert [trial.name for trial in trials] == [
        "attention seed 4", "deep seed 4", "attention seed 5", "deep seed 5",
    ]  # fmt: skip
    assert trials[1].config.extractor.n_blocks == 3
    assert trials[1].folder == Path("runs/E/deep_ppo_s4")
    assert trials[3].config == TASK.run("deep", 5)


def test_arms_and_seeds_can_be_chosen():
    (trial,) = expand(TASK, Path("runs"), arms=["deep"], seeds=[9])
    assert (trial.arm, trial.seed, trial.config.seed) == ("deep", 9, 9)


def test_two_runs_never_share_a_folder():
    with pytest.raises(UserError, match="share the folder"):
        expand(TASK, Path("runs"), seeds=[1, 1])
    with pytest.raises(UserError, match="arm: expected one of"):
        expand(TASK, Path("runs"), arms=["none"])


SUITE = {
    "env": {"id": "E"},
    "arms": {"attention": {}, "mlp": {}},
    "seeds": [0, 1],
    "tasks": {"short": {"n_timesteps": 10}, "long": {"env": {"id": "F"}}},
}


def test_a_suite_is_tasks_times_arms_times_seeds_and_a_seed_is_finished_first():
    trials = expand_suite(parse_suite(SUITE, name="x"), Path("runs"))
    assert [trial.name for trial in trials[:5]] == [
        "short attention seed 0", "short mlp seed 0", "long attention seed 0", "long mlp seed 0",
        "short attention seed 1",
    ]  # fmt: skip
    assert len({trial.folder for trial in trials}) == 8
    first = trials[0]
    assert first.config.n_timesteps == 10
    assert first.folder == locate_by_hash(Path("runs"), first.config)
    assert first.folder.name == f"attention_ppo_s0_{hash_settings(first.config)}"
    assert first.folder.parent == Path("runs/E")


def test_any_setting_changes_the_folder_and_nothing_else_does():
    task = parse_task({"env": {"id": "E"}, "arms": {"mlp": {}}})
    config = task.run("mlp", 0)
    same = parse_task({"arms": {"mlp": {}}, "env": {"view": "entities", "id": "E"}}).run("mlp", 0)
    assert hash_settings(config) == hash_settings(same)
    changes = (
        {"n_timesteps": 3}, {"hyperparams": {"gamma": 0.5}}, {"recording": {"snapshots": 0}},
        {"device": "cpu"}, {"num_threads": 2},
    )  # fmt: skip
    others = [parse_task({**task.dump(), **change}).run("mlp", 0) for change in changes]
    assert len({hash_settings(config) for config in [config, *others]}) == 6


def test_threads_are_a_setting_of_a_trial():
    suite = parse_suite(SUITE, name="x")
    (one, two) = (expand_suite(suite, Path("runs"), threads=n)[0] for n in (1, 2))
    assert (one.config.num_threads, two.config.num_threads) == (1, 2)
    assert one.folder != two.folder
    fixed = parse_suite({**SUITE, "num_threads": 3}, name="x")
    assert expand_suite(fixed, Path("runs"), threads=2)[0].config.num_threads == 3


def test_two_tasks_are_never_the_same_runs():
    twins = {**SUITE, "tasks": {"a": {}, "b": {}}}
    with pytest.raises(UserError, match="SUITE: a attention seed 0 is there twice"):
        expand_suite(parse_suite(twins, name="x"), Path("runs"))


def test_a_grid_of_ten_thousand_is_listed_in_seconds():
    many = {**SUITE, "n_timesteps": 9, "seeds": list(range(2500))}
    assert len(expand_suite(parse_suite(many, name="x"), Path("runs"))) == 10_000
