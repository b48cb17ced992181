import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rl_attention.cli.common import say_next, write_numbers
from rl_attention.cli.comparing import finish, read_finished, show_comparison
from rl_attention.cli.errors import Failure
from rl_attention.cli.main import main
from rl_attention.cli.train import choose_run
from rl_attention.experiment.task_config import parse_task
from rl_attention.experiment.training import run_trial
from rl_attention.sweep import expand

TINY = {
    "env": {"id": "MiniGrid-DoorKey-5x5-v0", "n_envs": 2},
    "n_timesteps": 32,
    "hyperparams": {"n_steps": 8},
    "eval": {"n_episodes": 2},
    "recording": {"snapshots": 0},
    "device": "cpu",
}


def test_next_commands_can_be_pasted(capsys):
    say_next(("eval", Path("my runs/a")))
    assert shlex.split(capsys.readouterr().out.splitlines()[-1])[1:] == ["eval", "my runs/a"]


def test_numbers_replace_a_file_but_no_link_or_device(tmp_path):
    file, link = tmp_path / "n.json", tmp_path / "link"
    link.symlink_to(file)
    write_numbers(file, {"a": 1})
    write_numbers(link, {"a": 2})
    assert link.is_symlink()
    assert json.loads(file.read_text()) == {"a": 2}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_numbers(pipe, {"a": 3})
    assert json.loads(os.read(reader, 100)) == {"a": 3}
    os.close(reader)
    assert pipe.is_fifo()


def test_a_label_names_the_arm_of_a_task_too():
    with main.make_context("rl-attention", ["train"]) as ctx:
        ctx.meta["rl_attention.overrides"] = {"arm": "mlp", "label": "mine"}
        assert (choose_run("demo").arm, choose_run("demo").name) == ("mlp", "mine")


def test_a_closed_pipe_ends_quietly():
    code = "from rl_attention.__main__ import main; main(['envs'])"
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (1, "")


def test_an_arm_that_never_finished_hides_no_table_and_is_not_offered(tmp_path, capsys):
    task = parse_task({**TINY, "arms": {"attention": {}, "mlp": {}}})
    trials = expand(task, tmp_path / "runs", seeds=[0])
    run_trial(trials[1].config, trials[1].folder)
    assert show_comparison(read_finished(trials), baseline="attention").baseline == "mlp"
    with pytest.raises(Failure, match="1 of 2 runs failed; the first: it broke"):
        finish(trials, ["it broke"])
    offered = [line for line in capsys.readouterr().out.splitlines() if " eval " in line]
    assert [line.endswith("mlp_ppo_s0") for line in offered] == [True]


def test_the_baseline_may_be_named_as_in_the_file(tmp_path, monkeypatch):
    import rl_attention.cli.comparing as comparing

    seen = []
    monkeypatch.setattr(comparing, "run_missing", lambda trials, **_: [])
    monkeypatch.setattr(
        comparing, "show_comparison", lambda trials, *, baseline, **_: seen.append(baseline)
    )
    monkeypatch.setattr(comparing, "finish", lambda trials, errors: None)
    file = tmp_path / "task.yaml"
    file.write_text(
        json.dumps(
            {**TINY, "arms": {"attention": {}, "flattened": {"arm": "mlp", "label": "mine"}}}
        )
    )
    for given in ("attention", "flattened"):
        main(["compare", "--config", str(file), "--baseline", given], standalone_mode=False)
    assert seen == ["attention", "mine"]
