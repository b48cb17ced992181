"""The Slurm executor, on processes that submitit starts in place of jobs."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import attempts_for_tests as attempts
import pytest
import yaml

from rl_attention.errors import UserError
from rl_attention.sweep.on_slurm import SlurmExecutor
from rl_attention.sweep.slurm_jobs import SlurmTask, make_submitter
from rl_attention.sweep.worker import Job

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="needs the extra `slurm`"
)

SUITE = {
    "env": {"id": "MiniGrid-Empty-5x5-v0", "n_envs": 4},
    "n_timesteps": 512,
    "device": "cpu",
    "hyperparams": {"n_steps": 16},
    "recording": {"snapshots": 0},
    "eval": {"n_episodes": 4},
    "arms": {"attention": {}, "mlp": {}},
    "seeds": [0],
}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3])
def test_every_way_to_end(tmp_path, monkeypatch, batch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    seeds = [0, 1, 2, 3, 4, 6, 7, 8]
    trials = attempts.make_trials(tmp_path, seeds)
    notes = attempts.Notes()
    executor = SlurmExecutor(cluster="local", attempt=attempts.attempt, retries=1, batch=batch)
    outcomes = executor.run(trials, notes)
    errors = {outcome.trial.seed: outcome.error for outcome in outcomes}
    fine = ("FINE", "PASSING", "DIES_ONCE", "PREEMPTED", "LAST")
    assert [errors[getattr(attempts, name)] for name in fine] == [None] * 5
    assert "seed 3 was lost with its worker; its log is" in errors[attempts.DIES]
    assert errors[attempts.REFUSES] == "mlp seed 4: it cannot be had"
    assert "seed 7 failed" in errors[attempts.STOPS]
    preempted = trials[5]
    assert attempts.count_starts(preempted) == 2  # the same job, handed in again
    assert sorted(notes.began) == sorted(trial.name for trial in trials)


@pytest.mark.slow
def test_weights_are_those_of_the_local_executor(tmp_path):
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump(SUITE))
    found = []
    for options in ([], ["--executor", "slurm", "--submitit-cluster", "local"]):
        runs = tmp_path / str(len(options))
        command = [sys.executable, "-m", "rl_attention", "sweep", str(file), "-f", str(runs)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found.append(
            {
                weights.parent.name: hashlib.sha256(weights.read_bytes()).hexdigest()
                for weights in runs.glob("*/*/policy.safetensors")
            }
        )
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_a_job_whose_node_is_taken_away_is_handed_in_unchanged(tmp_path):
    task = SlurmTask(attempts.trivial, (Job({"seed": 0}, tmp_path / "run", 1),))
    submission = task.checkpoint()
    assert submission.function == task
    assert task() == [0]


def test_what_slurm_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("submitit.SlurmExecutor.affinity", lambda *_: 2)
    options = {
        "timeout_min": 90,
        "cpus_per_task": 3,
        "slurm_partition": "short",
        "gpus_per_node": 1,
    }
    submitter = make_submitter(
        tmp_path, cluster="slurm", timeouts=2, options={**options, "slurm_account": "us"}
    )
    script = submitter._executor._make_submission_file_text("run", "1")
    for line in ("--time=90", "--cpus-per-task=3", "--partition=short", "--account=us"):
        assert f"#SBATCH {line}\n" in script
    assert "#SBATCH --gpus-per-node=1\n" in script
    assert "#SBATCH --job-name=rl-attention\n" in script
    assert submitter._executor.max_num_timeout == 2


def test_an_unknown_option_and_a_missing_slurm_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="--slurm-option: Unknown argument 'acount'") as caught:
        make_submitter(tmp_path, cluster="local", timeouts=1, options={"slurm_acount": "us"})
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match='--executor slurm: Could not detect "srun"'):
        make_submitter(tmp_path, cluster="slurm", timeouts=1, options={})
