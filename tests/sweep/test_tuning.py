import json
import os
import signal
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import pytest
from tuning_for_tests import FILE, Pretending, rate

from rl_attention.errors import UserError
from rl_attention.experiment.search_config import parse_tuning
from rl_attention.experiment.yaml_files import dump_yaml
from rl_attention.sweep.study import N_STARTUP, open_storage
from rl_attention.sweep.tuning import Tuning, mean_of_curve

RATE = "hyperparams.learning_rate"
N_TRIALS = N_STARTUP + 2


def make(runs, *, n_trials=N_TRIALS, seed=0, arms=("mlp", "attention"), **changes):
    config = parse_tuning({**deepcopy(FILE), **changes}, name="file")
    return Tuning(config, arms, n_trials, seed, runs)


def tell(reports):
    return [report.to_dict() for report in reports]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study that nothing interrupted: its folder, its lines and what it found."""
    folder = tmp_path_factory.mktemp("whole")
    reports = make(folder).run(folder / "study.log", Pretending().run)
    return folder, (folder / "study.log").read_bytes().splitlines(keepends=True), tell(reports)


def test_every_arm_gets_the_same_budget_and_begins_with_its_own_settings(tmp_path):
    runner = Pretending()
    tuning = make(tmp_path)
    reports = tuning.run(tmp_path / "study.log", runner.run)
    assert [report.arm for report in reports] == ["mlp", "attention"]
    assert runner.calls == N_TRIALS
    assert {len(report.draws) for report in reports} == {N_TRIALS}
    for report in reports:
        first = report.draws[0]
        assert first.settings[RATE] == 5e-4
        trials = tuning.expand(report.arm, first.settings)
        assert [trial.task for trial in trials] == ["empty", "door"]
        # a curve that is 0 for the first half
        assert first.score == pytest.approx(sum(rate(trial.config) / 2 for trial in trials) / 2)
        assert report.default_score == first.score
        assert report.best.score == max(draw.score for draw in report.draws)
        assert all(2.5e-4 <= draw.settings[RATE] <= 2e-3 for draw in report.draws)
        assert len({draw.settings[RATE] for draw in report.draws}) == N_TRIALS
    one, other = ([draw.settings for draw in report.draws[: N_STARTUP + 1]] for report in reports)
    assert one[:N_STARTUP] == other[:N_STARTUP]


def test_the_same_call_runs_nothing_twice_and_more_trials_go_on(tmp_path, whole):
    storage = tmp_path / "study.log"
    make(tmp_path, n_trials=2).run(storage, Pretending().run)
    again = Pretending()
    make(tmp_path, n_trials=2).run(storage, again.run)
    assert again.calls == 0
    assert tell(make(tmp_path).run(storage, again.run)) == whole[2]
    assert again.calls == N_TRIALS - 2
    # an earlier budget is answered as before
    assert [len(report.draws) for report in make(tmp_path, n_trials=2).run(storage, again.run)] == [
        2,
        2,
    ]


def test_another_storage_trains_nothing_again(tmp_path, whole):
    runner = Pretending()
    folder, _, found = whole
    assert tell(make(folder).run(tmp_path / "new.log", runner.run)) == found
    assert runner.calls == 0


@pytest.mark.parametrize("changes", [{"seed": 1}, {"n_timesteps": 128}, {"search": None}])
def test_other_settings_are_another_study_in_the_same_file(tmp_path, changes):
    storage = tmp_path / "study.log"
    before = tell(make(tmp_path, n_trials=2).run(storage, Pretending().run))
    if "search" in changes:
        changes = {"search": {RATE: {"low": 1e-4, "high": 1e-2}}}
    other = make(tmp_path, n_trials=2, **changes).run(storage, Pretending().run)
    assert tell(other)[0]["trials"][1] != before[0]["trials"][1]
    again = Pretending()
    assert tell(make(tmp_path, n_trials=2).run(storage, again.run)) == before
    assert again.calls == 0


def test_arms_do_not_change_each_other(tmp_path, whole):
    (alone,) = make(tmp_path, arms=["attention"]).run(tmp_path / "study.log", Pretending().run)
    assert alone.to_dict() == whole[2][1]


@pytest.mark.parametrize("calls", range(N_TRIALS))
def test_a_study_that_was_stopped_between_rounds_goes_on(tmp_path, whole, calls):
    storage = tmp_path / "study.log"
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path).run(storage, Pretending(limit=calls).run)
    rest = Pretending()
    assert tell(make(tmp_path).run(storage, rest.run)) == whole[2]
    assert calls + rest.calls == N_TRIALS


@pytest.mark.slow
def test_a_study_that_was_killed_at_any_line_goes_on(tmp_path, whole):
    folder, lines, found = whole
    storage = tmp_path / "study.log"
    for count in range(len(lines) + 1):
        torn = lines[count][:7] if 0 < count < len(lines) and count % 2 else b""
        storage.write_bytes(b"".join(lines[:count]) + torn)
        reports = make(folder).run(storage, Pretending().run)
        assert tell(reports) == found, f"after {count} lines"


def test_a_run_that_fails_makes_its_trial_fail_and_the_rest_goes_on(tmp_path):
    def broken(trial):
        return (
            trial.arm == "mlp" and trial.task == "door" and trial.config.hyperparams.n_epochs == 4
        )

    storage = tmp_path / "study.log"
    reports = make(tmp_path, n_trials=3).run(storage, Pretending(broken).run)
    mlp, attention = reports
    assert [draw.state for draw in mlp.draws] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert mlp.draws[0].error == "door mlp seed 100 broke"
    assert mlp.default_score is None
    assert mlp.best.state == "COMPLETE"
    assert {draw.state for draw in attention.draws} == {"COMPLETE"}
    again = make(tmp_path, n_trials=3).run(storage, Pretending().run)  # it is told again
    assert again[0].draws == mlp.draws


def test_an_arm_whose_every_trial_failed_has_no_best(tmp_path):
    runner = Pretending(broken=lambda trial: True)
    report = make(tmp_path, n_trials=1).run(tmp_path / "study.log", runner.run)[0]
    assert (report.best, report.default_score) == (None, None)
    assert report.to_dict()["settings"] is None


def test_settings_that_do_not_go_together_are_a_failed_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "rl_attention.experiment.search_config._check_draws", lambda config, prefix: None
    )
    search = {"extractor.n_heads": {"choices": [3]}}
    runner = Pretending()
    reports = make(tmp_path, n_trials=1, search=search).run(tmp_path / "study.log", runner.run)
    assert "extractor.n_heads: expected a divisor" in reports[1].draws[0].error
    assert runner.calls == 0


def test_without_defaults_in_range_the_first_trial_is_drawn(tmp_path):
    search = {RATE: {"low": 1e-3, "high": 2e-3}}
    reports = make(tmp_path, n_trials=2, search=search).run(tmp_path / "s.log", Pretending().run)
    assert reports[0].draws[0].settings[RATE] >= 1e-3
    assert reports[0].default_score is None


def test_the_storage_is_lines_of_json_and_nothing_is_unpickled(whole):
    for line in whole[1]:
        json.loads(line)
    assert {file.name for file in whole[0].iterdir() if file.is_file()} <= {
        "study.log",
        "study.log.tune.lock",
    }


@pytest.mark.parametrize(
    "text",
    [b"no journal\n", b"[1]\n[2]\n", b'{"op_code":1}\n', b'{"op_code":0,\n', b"half", b"\xff\n"],
)
def test_what_is_no_journal_is_refused(tmp_path, text):
    file = tmp_path / "study.log"
    file.write_bytes(text)
    with (
        pytest.raises(UserError, match=r"--storage: .*study.log: expected a journal of Optuna"),
        open_storage(file),
    ):
        pass
    assert file.read_bytes() == text


def test_a_link_and_a_folder_are_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "study.log")
    for name, message in (("link", "expected a file"), ("study.log/below", "cannot be written")):
        (tmp_path / "study.log").touch()
        with pytest.raises(UserError, match=message), open_storage(tmp_path / name):
            pass


def test_one_process_at_a_time(tmp_path):
    with (
        open_storage(tmp_path / "study.log"),
        pytest.raises(UserError, match="another process is at work"),
        open_storage(tmp_path / "study.log"),
    ):
        pass
    with open_storage(tmp_path / "study.log"):
        pass


@pytest.mark.parametrize(
    ("curve", "mean"),
    [
        ([], 0.0),
        ([[0, 1.0]], 1.0),
        ([[50, 1.0]], 0.5),  # 0 before the first point
        ([[50, 0.0], [100, 1.0]], 0.25),
        ([[50, 0.5], [75, 0.5]], 0.25),  # the last value holds
        ([[50, 0.0], [150, 1.0]], 0.125),  # frames beyond the last do not count
        ([[100, 1.0]], 0.0),
        ([[120, 1.0], [130, 1.0]], 0.0),
        ([[0, 0.0], [50, 1.0], [100, 0.0]], 0.5),
    ],
)
def test_the_score_is_the_mean_of_the_curve(curve, mean):
    assert mean_of_curve(curve, 100) == pytest.approx(mean)


def command(folder):
    return [sys.executable, "-m", "rl_attention", "tune", "t.yaml", "-j", "2", "--json", "o.json",
            "-f", str(folder), "--no-progress"]  # fmt: skip


@pytest.mark.slow
def test_a_killed_command_ends_as_one_that_was_not(tmp_path):
    tasks = {"empty": FILE["tasks"]["empty"]}
    data = {**FILE, "arms": {"mlp": None, "flat": {"env": {"view": "flat"}}}, "tasks": tasks}
    (tmp_path / "t.yaml").write_text(dump_yaml({**data, "n_trials": 2}))

    def run(folder):
        subprocess.run(command(folder), cwd=tmp_path, check=True, capture_output=True)
        return json.loads((tmp_path / "o.json").read_text())

    whole = run("whole")
    process = subprocess.Popen(
        command("killed"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(
        Path(tmp_path / "killed").glob(".trials/*/*/results.json")
    ):  # one of two is done
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert b'"state":1' not in (tmp_path / "killed" / "study.log").read_bytes()  # nothing was told
    assert run("killed") == whole
    assert [len(arm["trials"]) for arm in whole["arms"].values()] == [2, 2]
