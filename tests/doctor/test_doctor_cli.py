import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from patients_for_tests import DOORKEY, FLOATS, OddHeads, ppo
from spaces_for_tests import SampleEnv
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from rl_attention.cli.main import main
from rl_attention.doctor import CHECKS


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, ["doctor", "--steps", "30", *map(str, arguments)])

    return run


@pytest.fixture
def cart_pole(tmp_path):
    path = tmp_path / "cart_pole.zip"
    env = make_vec_env("CartPole-v1")
    PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu").save(path)
    return path


@pytest.fixture
def odd_heads(tmp_path):
    path = tmp_path / "odd.zip"
    ppo(SampleEnv(FLOATS), OddHeads, {"n_heads": 3, "width": 16}).save(path)
    return path


TRUST = ("--trust", "--algo", "ppo")


def test_a_healthy_environment_is_exit_code_0(call):
    result = call("CartPole-v1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Found nothing. Ran ")
    for name in CHECKS:
        assert name in result.stdout


def test_a_sick_environment_is_exit_code_1_and_says_how_to_fix_it(call, tmp_path):
    result = call(DOORKEY, "--json", "doctor.json")
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "error    symbols_as_image, image"
    assert "divided by 255" in lines[1]
    assert lines[2].strip().startswith("fix: declare the true bounds")
    assert lines[-1].startswith("Found 1 error. Ran ")
    written = json.loads((tmp_path / "doctor.json").read_text())
    assert written["target"] == DOORKEY
    assert written["healthy"] is False
    assert written["findings"][0]["check"] == "symbols_as_image"
    assert {*written["ran"], *written["skipped"]} == CHECKS.keys()


def test_a_note_is_exit_code_0(call):
    result = call(DOORKEY, "--env.view", "entities")
    assert result.exit_code == 0
    assert "note     mask, mask" in result.stdout
    assert "Found 1 note." in result.stdout


def test_a_run_folder_is_opened_as_it_is(call, tmp_path):
    tiny = ["--env", DOORKEY, "-n", "64", "--n-envs", "2", "--recording.snapshots", "0"]
    tiny += ["--eval-episodes", "2", "-params", "n_steps:8", "--num-threads", "1"]
    tiny += ["--extractor.width", "8", "--device", "cpu", "--env.backend", "gymnasium"]
    assert CliRunner().invoke(main, ["train", *tiny]).exit_code == 0
    result = call(f"runs/{DOORKEY}/attention_ppo_s0")
    assert result.exit_code == 0, result.output
    for name in ("mask", "state", "orthogonal_init", "discrete_rank", "entity_order"):
        assert re.search(rf"Ran \d+: [^.]*\b{name}\b", result.stdout), result.stdout


def test_a_zip_is_opened_when_it_is_trusted(call, cart_pole, odd_heads):
    result = call(cart_pole, *TRUST, "--env", "CartPole-v1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert call(cart_pole, *TRUST).exit_code == 0
    result = call(odd_heads, *TRUST)
    assert result.exit_code == 1
    assert "n_heads=3 does not divide width=16" in result.stdout


def refused(result):
    assert result.exit_code == 2, result.output
    assert re.fullmatch(r"Error: .+\n", result.stderr), result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((), ["Missing argument"]),
        (("Nope-v0",), ["expected a run folder, a zip or an environment, got Nope-v0"]),
        (("nowhere/at/all",), ["expected a run folder"]),
        (("CartPole-v1", "--algo", "ppo"), ["--algo is not for an environment"]),
        (("CartPole-v1", "--env", "x"), ["--env is not for an environment"]),
        (("CartPole-v1", "--env.view", "entities"), ["'CartPole-v1'"]),
        ((DOORKEY, "--env.view", "enties"), ["did you mean 'entities'?"]),
        (("CartPole-v1", "--json", "no/x.json"), ["existing folder"]),
        (("CartPole-v1", "--steps", "0"), ["--steps"]),
        ((".",), [".: expected a run folder"]),
        ((".", "--trust"), ["--trust is not for a run folder"]),
        (("cart_pole.zip",), ["add --trust"]),
        (("cart_pole.zip", "--trust"), ["expected --algo"]),
        (("cart_pole.zip", "--trust", "--algo", "pp"), ["--algo"]),
        (("text", *TRUST), ["text: expected a zip"]),
        (("cart_pole.zip", *TRUST, "--env", "Nope-v0"), ["got Nope-v0"]),
        (("cart_pole.zip", *TRUST, "--env", DOORKEY), ["cannot be opened"]),
        (("cart_pole.zip", *TRUST, "--env", "Acrobot-v1"), ["leave --env out"]),
        (("cart_pole.zip", "--trust", "--algo", "sac"), ["cannot be opened as a zip of sac"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, cart_pole, tmp_path, arguments, parts):
    (tmp_path / "text").write_text("nothing")
    message = refused(call(*arguments))
    for part in parts:
        assert part in message


MODULE = """
import gymnasium as gym
open("imported", "w").close()
gym.register("Maze-v0", entry_point="gymnasium.envs.classic_control:CartPoleEnv")
"""


def test_a_module_is_imported_only_when_it_is_trusted(call, tmp_path, monkeypatch):
    (tmp_path / "doctor_maze.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    assert "add --trust" in refused(call("doctor_maze:Maze-v0"))
    assert "doctor_maze" not in sys.modules
    assert not (tmp_path / "imported").exists()
    assert call("doctor_maze:Maze-v0", "--trust").exit_code == 0
    assert (tmp_path / "imported").exists()


def test_help_loads_nothing_heavy():
    code = (
        "import sys, rl_attention.cli.doctor; "
        "print({'torch', 'minigrid', 'gymnasium', 'stable_baselines3'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr
