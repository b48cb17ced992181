"""`compare SUITE`: every task, arm and seed, once."""

import json

import pytest
from click.testing import CliRunner

from rl_attention.cli import sweep
from rl_attention.cli.main import main
from rl_attention.sweep.executor import Outcome

SUITE = """
n_timesteps: 64
device: cpu
hyperparams: {n_steps: 8}
recording: {snapshots: 0}
eval: {n_episodes: 2, zero_shot: {shuffled: {change: shuffle}}}
arms: {attention: , cnn: , mlp: }
seeds: [0, 1]
tasks:
  empty: {env: {id: MiniGrid-Empty-5x5-v0, n_envs: 2}, without: [cnn]}
  door: {env: {id: MiniGrid-DoorKey-5x5-v0, n_envs: 2}}
"""


class Noting:
    """An executor that runs nothing, and notes what it was given."""

    def __init__(self):
        self.names = []

    def run(self, trials, watcher):
        self.names = [trial.name for trial in trials]
        return [Outcome(trial, "not run") for trial in trials]


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return lambda *arguments: CliRunner().invoke(main, ["compare", *arguments])


@pytest.fixture
def noting(monkeypatch):
    executor = Noting()
    monkeypatch.setitem(sweep.EXECUTORS, "local", lambda choice: executor)
    return executor


def refusal(result):
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.slow
def test_a_suite_is_run_once_and_its_small_files_are_enough(call, noting, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    arguments = ["suite.yaml", "--results", "kept", "--seeds", "0", "-j", "2"]
    result = call(*arguments, "--json", "tables.json")
    assert result.exit_code == 0, result.output
    tables = json.loads((tmp_path / "tables.json").read_text())["tasks"]
    assert [row["arm"] for row in tables["empty"]["rows"]] == ["attention", "mlp"]
    assert [row["arm"] for row in tables["door"]["rows"]] == ["attention", "cnn", "mlp"]
    kept = sorted(
        path.relative_to(tmp_path / "kept").as_posix() for path in (tmp_path / "kept").glob("*/*")
    )
    assert len(kept) == 5
    assert kept[0] == "door/attention_s0.result.json"
    found = json.loads((tmp_path / "kept" / "door" / "cnn_s0.result.json").read_text())
    assert found["zero_shot"] == {"shuffled": None}

    monkeypatch.setitem(sweep.EXECUTORS, "local", lambda choice: noting)
    again = call(*arguments, "-f", "elsewhere", "--json", "again.json")
    assert again.exit_code == 0, again.output
    assert noting.names == []
    assert json.loads((tmp_path / "again.json").read_text())["tasks"] == tables


def test_a_part_of_a_suite(call, noting):
    assert call("suite.yaml", "--tasks", "door", "--arms", "mlp,cnn", "--seeds", "3").exit_code == 1
    assert noting.names == ["door cnn seed 3", "door mlp seed 3"]


def test_arms_that_a_task_cannot_have_are_left_out(call, noting):
    call("suite.yaml", "--seeds", "0")
    assert noting.names == [
        "empty attention seed 0",
        "empty mlp seed 0",
        "door attention seed 0",
        "door cnn seed 0",
        "door mlp seed 0",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["suite.yaml", "--tasks", "dor"], "--tasks: expected some of empty, door, got 'dor'"),
        (["suite.yaml", "--arms", "cn"], "--arms: expected some of attention, cnn, mlp, got 'cn'"),
        (["suite.yaml", "--baseline", "x"], "--baseline: expected one of attention, cnn, mlp"),
        (["suite.yaml", "-n", "5"], "--n_timesteps: expected no setting beside SUITE"),
        (["suite.yaml", "--config", "demo"], "--config: expected SUITE or --config, got both"),
        (["--env", "MiniGrid-Empty-5x5-v0", "--tasks", "a"], "--tasks: expected SUITE before it"),
        (["--env", "MiniGrid-Empty-5x5-v0", "--results", "a"], "--results: expected SUITE"),
        (["none.yaml"], "SUITE: no file and no packaged suite or task called 'none.yaml'"),
    ],
)
def test_mistakes_are_one_line(call, noting, arguments, message):
    assert message in refusal(call(*arguments))
    assert noting.names == []


@pytest.mark.parametrize("without", ["[flat]", "mlp", "[1]"])
def test_without_names_arms_of_the_suite(call, noting, tmp_path, without):
    (tmp_path / "suite.yaml").write_text(SUITE.replace("[cnn]", without))
    line = refusal(call("suite.yaml"))
    assert "tasks.empty.without: expected a list of arms, some of attention, cnn, mlp" in line
