import json
import subprocess
import sys
from copy import deepcopy

import pytest
from click.testing import CliRunner
from tuning_for_tests import FILE, Pretending

from rl_attention.cli.main import main
from rl_attention.experiment.yaml_files import dump_yaml
from rl_attention.sweep.study import open_storage

RATE = "hyperparams.learning_rate"
TUNE = ("tune", "t.yaml")


@pytest.fixture
def runner(monkeypatch):
    """An executor that trains nothing, in the place of processes."""
    made = Pretending()
    monkeypatch.setattr("rl_attention.sweep.LocalExecutor", lambda *args, **kwargs: made)
    return made


@pytest.fixture
def call(monkeypatch, tmp_path, runner):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(dump_yaml(FILE))

    def run(*arguments):
        return CliRunner().invoke(main, arguments)

    return run


def refused(result):
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.endswith(errors[0] + "\n")
    return errors[0]


def test_a_finished_study_is_told_again_and_runs_nothing(call, runner, tmp_path):
    first = call(*TUNE, "--json", "o.json")
    assert first.exit_code == 0, first.output
    assert runner.calls == 3
    second = call(*TUNE, "--json", "o2.json")
    assert (second.exit_code, runner.calls) == (0, 3)
    assert second.stdout == first.stdout
    assert (tmp_path / "o.json").read_text() == (tmp_path / "o2.json").read_text()
    assert (tmp_path / "runs" / "tuning" / "study.log").is_file()


def test_table_and_numbers_say_what_was_found(call, tmp_path):
    result = call(*TUNE, "--json", "o.json", "--n-trials", "5", "--seed", "3")
    told = json.loads((tmp_path / "o.json").read_text())
    assert told["search"] == FILE["search"]
    assert (told["n_trials"], told["seed"], told["seeds"]) == (5, 3, [100])
    assert list(told["arms"]) == ["mlp", "attention"]
    for arm in told["arms"].values():
        assert len(arm["trials"]) == 5
        best = max(arm["trials"], key=lambda trial: trial["score"])
        assert (arm["settings"], arm["score"]) == (best["settings"], best["score"])
        assert arm["default_score"] == arm["trials"][0]["score"]
        assert {trial["state"] for trial in arm["trials"]} == {"COMPLETE"}
        assert f"{arm['score']:.3f}" in result.stdout
        assert f"{RATE} {arm['settings'][RATE]:.4g}" in result.stdout


def test_only_the_arms_that_are_named(call, runner):
    assert call(*TUNE, "--arms", "attention", "--storage", "here.log").exit_code == 0
    assert {trial.arm for trial in runner.ran} == {"attention"}
    assert len(runner.ran) == 3 * 2


def test_trials_that_fail_are_exit_code_1_and_one_line(call, runner, tmp_path):
    runner.broken = lambda trial: trial.arm == "mlp"
    for _ in range(2):  # the second time from the storage
        result = call(*TUNE, "--json", "o.json")
        assert result.exit_code == 1
        errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert "3 of 6 trials failed; the first: empty mlp seed 100 broke" in errors[0]
        arms = json.loads((tmp_path / "o.json").read_text())["arms"]
        assert (arms["mlp"]["settings"], arms["mlp"]["score"]) == (None, None)
        assert arms["attention"]["score"] > 0


def test_ctrl_c_is_exit_code_130_and_the_same_command_goes_on(call, runner):
    runner.limit = 1
    result = call(*TUNE, "-f", "here")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        "Interrupted; finished runs and the trials so far are kept in here; "
        "the same command goes on from there"
    )
    runner.limit = None
    assert call(*TUNE, "-f", "here").exit_code == 0
    assert runner.calls == 3


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["tune"], ["Missing argument 'SUITE'"]),
        (["tune", "nope.yaml"], ["SUITE: no file"]),
        (["tune", "doorkey-5x5"], ["doorkey-5x5.yaml: search: required"]),
        (["tune", "bad.yaml"], [f"bad.yaml: search.{RATE}: expected low below high"]),
        (["tune", "twin.yaml"], ["empty mlp seed 100 and twin mlp seed 100 are the same"]),
        (["tune", "env.yaml"], ["MiniGrid-DoorKey-5x5-v0"]),
        ([*TUNE, "--n-trials", "0"], ["--n-trials"]),
        ([*TUNE, "--seed", "-1"], ["--seed"]),
        ([*TUNE, "--arms", "mpl"], ["--arms: expected some of mlp, attention, got 'mpl'"]),
        ([*TUNE, "--arms", "mlp,mlp"], ["--arms: expected some of"]),
        ([*TUNE, "--storage", "t.yaml"], ["--storage: ", "expected a journal of Optuna"]),
        ([*TUNE, "--storage", "t.yaml/x"], ["--storage: ", "cannot be written"]),
        ([*TUNE, "--json", "no/x.json"], ["--json: expected a file in an existing folder"]),
        ([*TUNE, "-f", "t.yaml/below"], ["cannot be written", "-f/--log-folder"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, runner, tmp_path, arguments, parts):
    data = deepcopy(FILE)
    data["search"][RATE]["high"] = 1e-5
    (tmp_path / "bad.yaml").write_text(dump_yaml(data))
    data = deepcopy(FILE)
    data["tasks"]["twin"] = data["tasks"]["empty"]
    (tmp_path / "twin.yaml").write_text(json.dumps(data))
    data["tasks"] = {"door": {"env": {"id": "MiniGrid-DorKey-5x5-v0"}}}
    (tmp_path / "env.yaml").write_text(dump_yaml(data))
    message = refused(call(*arguments))
    for part in parts:
        assert part in message
    assert runner.calls == 0
    assert "search" in (tmp_path / "t.yaml").read_text()


def test_another_process_at_work_is_named(call, tmp_path):
    with open_storage(tmp_path / "busy.log"):
        assert "another process is at work" in refused(call(*TUNE, "--storage", "busy.log"))


def test_a_missing_extra_is_named(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    message = refused(call(*TUNE))
    assert "expected the package optuna" in message
    assert "pip install 'rl-attention[tune]'" in message


def test_help_loads_nothing_heavy():
    code = (
        "import sys, rl_attention.cli.tune; "
        "print({'torch', 'optuna', 'minigrid', 'scipy'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr


@pytest.mark.slow
def test_runs_are_really_trained(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tasks = {"empty": FILE["tasks"]["empty"]}
    (tmp_path / "t.yaml").write_text(dump_yaml({**FILE, "tasks": tasks, "n_trials": 1}))
    result = CliRunner().invoke(main, [*TUNE, "-j", "2", "-f", "here"])
    assert result.exit_code == 0, result.output
    assert "empty" not in result.stderr.replace("MiniGrid-Empty", "")  # the only task has no name
    assert len(list(tmp_path.glob("here/.trials/*/*/results.json"))) == 2
