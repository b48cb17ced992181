from pathlib import Path

import pytest

from rl_attention.errors import UserError
from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep.trials import expand

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
