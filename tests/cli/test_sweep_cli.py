import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from rl_attention.cli.main import main
from rl_attention.cli.sweep import EXECUTORS, MINUTES, OWNERS, Choice, make_executor, parse_minutes
from rl_attention.errors import UserError
from rl_attention.sweep.executor import Outcome

SUITE = """
n_timesteps: 64
device: cpu
hyperparams: {n_steps: 8}
recording: {snapshots: 0}
eval: {n_episodes: 2}
arms: {mlp: }
seeds: [0, 1]
tasks:
  empty: {env: {id: MiniGrid-Empty-5x5-v0, n_envs: 2}}
  door: {env: {id: MiniGrid-DoorKey-5x5-v0, n_envs: 2}}
"""
SWEEP = ("sweep", "suite.yaml")


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)

    def run(*arguments):
        return CliRunner().invoke(main, arguments)

    return run


def refused(result):
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.endswith(errors[0] + "\n")
    return errors[0]


class Failing:
    """An executor for which some trials fail."""

    def run(self, trials, watcher):
        outcomes = [Outcome(trial, f"{trial.name} broke") for trial in trials]
        for outcome in outcomes:
            watcher.started(outcome.trial)
            watcher.ended(outcome)
        return outcomes


class Interrupted:
    def run(self, trials, watcher):
        raise KeyboardInterrupt


@pytest.mark.slow
def test_a_sweep_prints_a_table_for_each_task_and_runs_nothing_twice(call, tmp_path, monkeypatch):
    result = call(*SWEEP, "-j", "2", "--json", "tables.json")
    assert result.exit_code == 0, result.output
    tables = json.loads((tmp_path / "tables.json").read_text())
    assert list(tables["tasks"]) == ["empty", "door"]
    assert tables["tasks"]["door"]["env"] == "MiniGrid-DoorKey-5x5-v0"
    assert tables["tasks"]["door"]["rows"][0]["seeds"] == [0, 1]
    assert tables["failed"] == []
    assert "rl-attention tensorboard runs\n" in result.stdout
    names = sorted(folder.name for folder in tmp_path.glob("runs/*/*"))
    assert len(names) == 4
    assert all(re.fullmatch(r"mlp_ppo_s[01]_[0-9a-f]{8}", name) for name in names)

    monkeypatch.setitem(EXECUTORS, "local", lambda choice: Failing())
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("runs/*/*/*")}
    result = call(*SWEEP)
    assert result.exit_code == 0
    assert "4 of 4 runs are finished." in result.stderr
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("runs/*/*/*")} == before

    (tmp_path / "suite.yaml").write_text(SUITE.replace("n_timesteps: 64", "n_timesteps: 80"))
    result = call(*SWEEP)
    assert result.exit_code == 1  # other settings are other runs
    assert "runs are finished" not in result.stderr


def test_trials_that_fail_are_a_line_each_and_exit_code_1(call, monkeypatch, tmp_path):
    monkeypatch.setitem(EXECUTORS, "local", lambda choice: Failing())
    result = call(*SWEEP, "--json", "tables.json", "--no-progress")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert lines[:-1] == [
        "Error: empty mlp seed 0 broke", "Error: door mlp seed 0 broke",
        "Error: empty mlp seed 1 broke", "Error: door mlp seed 1 broke",
    ]  # fmt: skip
    assert lines[-1].startswith("Error: 4 of 4 runs failed; the first: empty mlp seed 0 broke")
    assert "no run is finished" in result.stdout
    failed = json.loads((tmp_path / "tables.json").read_text())["failed"]
    assert len(failed) == 4


def test_ctrl_c_is_exit_code_130_and_says_where_things_are(call, monkeypatch):
    monkeypatch.setitem(EXECUTORS, "local", lambda choice: Interrupted())
    result = call(*SWEEP, "-f", "here")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        "Interrupted; finished runs and what the others logged are kept in here; "
        "the same command runs the unfinished ones again"
    )


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["sweep"], ["Missing argument 'SUITE'"]),
        (["sweep", "dorkey-5x5"], ["SUITE: no file", "did you mean 'doorkey-5x5'?"]),
        (["sweep", "bad.yaml"], ["bad.yaml: tasks.a: env.id: expected text, got 3"]),
        (["sweep", "typo.yaml"], ["typo.yaml: sedes: unknown key", "'seeds'"]),
        ([*SWEEP, "--executor", "dask"], ["'dask' is not one of 'local', 'ray', 'slurm'"]),
        ([*SWEEP, "--address", "x:1"], ["--address: expected --executor ray, got local"]),
        ([*SWEEP, "--batch", "2"], ["--batch: expected --executor ray or slurm, got local"]),
        ([*SWEEP, "--gpus-per-trial", "1"], ["--gpus-per-trial: expected --executor ray or"]),
        ([*SWEEP, "--executor", "ray", "--time", "3"], ["--time: expected --executor slurm"]),
        ([*SWEEP, "--partition", "x"], ["--partition: expected --executor slurm"]),
        ([*SWEEP, "--slurm-option", "a=b"], ["--slurm-option: expected --executor slurm"]),
        ([*SWEEP, "--executor", "slurm", "--slurm-option", "a"], ["expected KEY=VALUE, got 'a'"]),
        ([*SWEEP, "--executor", "slurm", "--slurm-option", "a=["], ["--slurm-option a: line 1"]),
        ([*SWEEP, "--executor", "slurm", "--time", "soon"], ["--time: expected minutes or"]),
        (
            [*SWEEP, "--executor", "slurm", "--gpus-per-trial", "0.5"],
            ["--gpus-per-trial: expected whole GPUs"],
        ),
        ([*SWEEP, "--json", "no/x.json"], ["--json: expected a file in an existing folder"]),
        ([*SWEEP, "-f", "suite.yaml/below"], ["cannot be written", "-f/--log-folder"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, tmp_path, arguments, parts):
    (tmp_path / "bad.yaml").write_text("arms: {mlp: }\ntasks: {a: {env: {id: 3}}}\n")
    (tmp_path / "typo.yaml").write_text(SUITE + "sedes: [1]\n")
    message = refused(call(*arguments))
    for part in parts:
        assert part in message


@pytest.mark.parametrize(("executor", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(call, monkeypatch, executor, package):
    monkeypatch.setitem(sys.modules, package, None)
    message = refused(call(*SWEEP, "--executor", executor))
    assert f"expected the package {package}" in message
    assert f"pip install 'rl-attention[{executor}]'" in message


def test_an_environment_that_is_not_there_stops_everything(call, tmp_path):
    text = SUITE.replace("MiniGrid-DoorKey-5x5-v0", "MiniGrid-DorKey-5x5-v0")
    (tmp_path / "suite.yaml").write_text(text)
    assert "MiniGrid-DoorKey-5x5-v0" in refused(call(*SWEEP))
    assert not (tmp_path / "runs").exists()


def test_a_device_of_other_machines_is_theirs_to_check(call, tmp_path, monkeypatch):
    (tmp_path / "suite.yaml").write_text(SUITE.replace("device: cpu", "device: cuda:99"))
    assert "device: expected a device of this machine" in refused(call(*SWEEP))
    monkeypatch.setitem(EXECUTORS, "ray", lambda choice: Failing())
    assert call(*SWEEP, "--executor", "ray").exit_code == 1


def test_options_reach_their_executor():
    ray = make_executor(Choice("ray", "h:1", 5, 2, gpus_per_trial=0.25, retries=1, batch=7))
    assert (ray.address, ray.workers, ray.cpus_per_trial) == ("h:1", 5, 2)
    assert (ray.gpus_per_trial, ray.retries, ray.batch) == (0.25, 1, 7)
    slurm = make_executor(
        Choice(
            "slurm", workers=9, cpus_per_trial=2, gpus_per_trial=1.0, retries=1, batch=7,
            partition="p", time="1:00:00", slurm_option=("account=us", "nodes=2"),
        )
    )  # fmt: skip
    assert (slurm.partition, slurm.minutes, slurm.workers) == ("p", 60, 9)
    assert slurm.options == {"account": "us", "nodes": 2}
    assert (slurm.gpus_per_trial, slurm.cluster, slurm.batch) == (1, "slurm", 7)
    assert make_executor(Choice("slurm")).minutes == MINUTES
    local = make_executor(Choice("local", workers=3, cpus_per_trial=2, retries=0))
    assert (local.workers, local.cpus_per_trial, local.retries) == (3, 2, 0)


def test_every_owned_option_is_an_option(call):
    text = call("sweep", "--help").output
    for name in OWNERS:
        assert "--" + name.replace("_", "-") in text


@pytest.mark.parametrize(
    ("text", "minutes"), [("90", 90), ("1:30:00", 90), ("0:0:1", 1), ("2-01:00:00", 2940)]
)
def test_time_limits_are_read_as_slurm_reads_them(text, minutes):
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize("text", ["", "0", "1:30", "-5", "0:0:0", "1.5"])
def test_other_times_are_refused(text):
    with pytest.raises(UserError, match="--time"):
        parse_minutes(text)


def test_help_loads_nothing_heavy():
    code = (
        "import sys, rl_attention.cli.sweep; "
        "print({'torch', 'minigrid', 'scipy', 'ray', 'submitit', 'pydantic'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "torch" not in run.stdout, run.stderr
    assert "ray" not in run.stdout
    assert "submitit" not in run.stdout
