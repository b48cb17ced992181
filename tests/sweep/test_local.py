import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep import expand, run_trials
from rl_attention.sweep.local import _judge, count_cpus
from rl_attention.sweep.worker import FAILED, REFUSED

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


class Notes:
    def __init__(self):
        self.began, self.over, self.moved = [], [], []

    def started(self, trial):
        self.began.append(trial.name)

    def progressed(self, trial, progress):
        self.moved.append((trial.name, progress.frames))

    def ended(self, outcome):
        self.over.append(outcome)


@pytest.mark.slow
def test_trials_run_and_one_that_fails_takes_no_other_with_it(tmp_path):
    trials = expand(parse_task(TINY), tmp_path)
    (trials[1].folder).mkdir(parents=True)
    (trials[1].folder / "config.yaml").write_text("[")  # what a run cannot begin with
    notes = Notes()
    outcomes = run_trials(trials, notes, workers=2)
    assert [outcome.trial for outcome in outcomes] == trials
    assert outcomes[0].error is None
    assert outcomes[1].error.startswith("flat seed 0: ")
    assert "config.yaml" in outcomes[1].error
    assert (trials[0].folder / "results.json").exists()
    assert (trials[0].folder / "log.txt").exists()
    assert notes.began == ["attention seed 0", "flat seed 0"]
    assert len(notes.over) == 2
    assert ("attention seed 0", 32) in notes.moved


class Dead:
    def __init__(self, exitcode):
        self.exitcode = exitcode


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
    assert _judge(trial, Dead(exitcode)).error.startswith(error)


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
