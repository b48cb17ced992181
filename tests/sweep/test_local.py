import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import attempts_for_tests as attempts
import pytest

from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep import LocalExecutor, expand
from rl_attention.sweep.executor import Attempts, ProgressReader, count_cpus, judge
from rl_attention.sweep.worker import DONE, FAILED, LOST, REFUSED, TRANSIENT

TINY = {
    "env": {"id": "MiniGrid-Empty-Random-5x5-v0", "n_envs": 2},
    "n_timesteps": 32,
    "hyperparams": {"n_steps": 8},
    "eval": {"n_episodes": 2},
    "recording": {"snapshots": 0},
    "device": "cpu",
    "arms": {"attention": {}, "flat": {"env": {"view": "flat"}}},
    "seeds": [0],
}


@pytest.mark.slow
def test_trials_run_and_one_that_fails_takes_no_other_with_it(tmp_path):
    trials = expand(parse_task(TINY), tmp_path)
    (trials[1].folder).mkdir(parents=True)
    (trials[1].folder / "config.yaml").write_text("[")  # what a run cannot begin with
    notes = attempts.Notes()
    outcomes = LocalExecutor(workers=2).run(trials, notes)
    assert [outcome.trial for outcome in outcomes] == trials
    assert outcomes[0].error is None
    assert outcomes[1].error.startswith("flat seed 0: ")
    assert "config.yaml" in outcomes[1].error
    assert (trials[0].folder / "results.json").exists()
    assert (trials[0].folder / "log.txt").exists()
    assert notes.began == ["attention seed 0", "flat seed 0"]
    assert len(notes.over) == 2
    assert ("attention seed 0", 32) in notes.moved


@pytest.mark.slow
def test_environments_may_have_processes_of_their_own(tmp_path):
    env = {**TINY["env"], "backend": "gymnasium", "vec_env": "subproc"}
    trials = expand(parse_task({**TINY, "env": env, "arms": {"mlp": {}}}), tmp_path)
    assert [outcome.error for outcome in LocalExecutor().run(trials, attempts.Notes())] == [None]


@pytest.mark.parametrize(
    ("exitcode", "log", "error"),
    [
        (-9, "", "attention seed 0 was killed by signal 9; its log is"),
        (
            FAILED,
            "Traceback\n  ...\nValueError: x\n",
            "attention seed 0 failed (ValueError: x); its",
        ),
        (REFUSED, "noise\nError: env.id: bad\n", "attention seed 0: env.id: bad"),
        (0, "", "attention seed 0 failed (empty log)"),
    ],
)
def test_an_end_without_results_is_one_line_that_names_the_log(tmp_path, exitcode, log, error):
    trial = expand(parse_task(TINY), tmp_path)[0]
    trial.folder.mkdir(parents=True)
    (trial.folder / "log.txt").write_text(log)
    assert judge(trial, exitcode).error.startswith(error)


@pytest.mark.slow
def test_what_died_or_met_a_passing_error_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr("rl_attention.sweep.local.work", attempts.work)
    seeds = [0, 1, 2, 3, 4, 5]
    trials = attempts.make_trials(tmp_path, seeds)
    notes = attempts.Notes()
    outcomes = LocalExecutor(workers=2, retries=1).run(trials, notes)
    errors = [outcome.error for outcome in outcomes]
    assert errors[:3] == [None, None, None]
    assert "seed 3 was killed by signal 9" in errors[attempts.DIES]
    assert errors[attempts.REFUSES] == "mlp seed 4: it cannot be had"
    assert "seed 5 failed" in errors[attempts.BREAKS]
    starts = [attempts.count_starts(trial) for trial in trials if trial.seed != attempts.REFUSES]
    assert starts == [1, 2, 2, 2, 1]
    assert sorted(notes.began) == sorted(trial.name for trial in trials)


def test_a_retry_waits_longer_each_time_and_has_an_end():
    (trial,) = attempts.make_trials("runs", [0])
    tries = Attempts(threads=3, retries=2)
    assert (tries.job(trial).delay, tries.job(trial).threads) == (0.0, 3)
    assert not any(tries.again(trial, code) for code in (DONE, FAILED, REFUSED))
    assert tries.again(trial, TRANSIENT)
    assert tries.job(trial).delay == 2.0
    assert tries.again(trial, LOST)
    assert tries.job(trial).delay == 4.0
    assert not tries.again(trial, TRANSIENT)


@pytest.mark.parametrize(
    ("settings", "divided"),
    [
        ({}, (4, 2)),
        ({"workers": 2}, (2, 4)),
        ({"cpus_per_trial": 4}, (2, 4)),
        ({"cpus_per_trial": 1}, (4, 1)),
        ({"cpus_per_trial": 1, "workers": 3}, (3, 1)),
        ({"cpus_per_trial": 99}, (1, 99)),
    ],
)
def test_cpus_are_divided(monkeypatch, settings, divided):
    monkeypatch.setattr("rl_attention.sweep.local.count_cpus", lambda: 8)
    assert LocalExecutor(**settings)._divide(4) == divided


def test_progress_of_many_is_read_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("rl_attention.sweep.executor._PAUSE_S", 0.0)
    trials = attempts.make_trials(tmp_path, range(120))
    for trial in trials:
        trial.folder.mkdir(parents=True)
        text = '{"step": 1, "total": 2, "fps": 3.0, "success_rate": null}'
        (trial.folder / "progress.json").write_text(text)
    notes = attempts.Notes()
    reader = ProgressReader(notes)
    reader.look(trials)
    assert len(notes.moved) == 50
    reader.look(trials)
    reader.look(trials)
    assert {name for name, _ in notes.moved} == {trial.name for trial in trials}


def test_cpus_are_counted():
    assert count_cpus() >= 1


def command(*arguments):
    return [sys.executable, "-m", "rl_attention", *arguments]


def wait_for(path, seconds=60):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train", "compare"])
def test_ctrl_c_keeps_what_was_logged_and_says_where(tmp_path, name):
    arguments = ["--env", TINY["env"]["id"], "-n", "10000000", "--n-envs", "4", "-f", str(tmp_path)]
    arguments += ["--recording.snapshots", "0", "--device", "cpu"]
    arguments += ["--arms", "attention,mlp", "--seeds", "0"] if name == "compare" else []
    process = subprocess.Popen(
        command(name, *arguments),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background jobs ignore Ctrl-C, and so would all that they start
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    folder = Path(tmp_path) / TINY["env"]["id"] / "attention_ppo_s0"
    wait_for(folder / "progress.json")
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert str(folder.parent) in errors.splitlines()[-1]
    assert (folder / "interrupted.safetensors").exists()
    assert (folder / "progress.json").exists()
    assert list((folder / "tensorboard").iterdir())


@pytest.mark.slow
def test_workers_end_with_their_parent(tmp_path):
    arguments = ["--env", TINY["env"]["id"], "-n", "10000000", "--n-envs", "4", "-f", str(tmp_path)]
    arguments += ["--recording.snapshots", "0", "--device", "cpu", "--arms", "mlp", "--seeds", "0"]
    process = subprocess.Popen(command("compare", *arguments), stderr=subprocess.DEVNULL)
    folder = Path(tmp_path) / TINY["env"]["id"] / "mlp_ppo_s0"
    wait_for(folder / "progress.json")
    process.kill()
    process.wait()
    wait_for(folder / "interrupted.safetensors", seconds=30)


@pytest.mark.slow
def test_exit_codes_of_the_module(tmp_path):
    def code(*arguments):
        return subprocess.run(command(*arguments), cwd=tmp_path, capture_output=True).returncode

    assert code("--version") == 0
    assert code("train", "--env", "Nope") == 2
    assert code("config", "--config", "demo") == 0
