"""A zip of Stable-Baselines3: opened when one says so, and never otherwise."""

import json
import zipfile

import hostile
import pytest
from opening import DOORKEY, call, folder_of, nothing_unpickled, one_line
from stable_baselines3 import A2C, DQN, PPO

from rl_attention_envs import make_vec_env

TRUST = ("--trust", "--algo", "ppo", "--env", DOORKEY)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What SB3 alone saves, by algorithm."""
    folder = tmp_path_factory.mktemp("plain")
    env = make_vec_env(DOORKEY, view="flat", n_envs=1, seed=0)
    small = {"net_arch": [8]}
    for algo, kind in {"ppo": PPO, "a2c": A2C, "dqn": DQN}.items():
        model = kind("MlpPolicy", env, policy_kwargs=small, device="cpu")
        model.save(folder / f"{algo}.zip")
    env.close()
    return folder


def test_a_zip_is_not_opened_without_trust(plain, marker, tmp_path):
    path = tmp_path / "model.zip"
    path.write_bytes(hostile.pickled(marker))
    for zipped in (path, plain / "ppo.zip"):
        with nothing_unpickled():
            line = one_line(call("eval", zipped, "--algo", "ppo", "--env", DOORKEY))
        assert line == (
            f"Error: {zipped}: a zip of Stable-Baselines3 holds pickled Python code that runs when "
            "it is opened; only open files that you or someone you trust made; add --trust\n"
        )


def test_trust_opens_the_zip_of_a_run(runs, tmp_path):
    folder = folder_of(runs)
    numbers = tmp_path / "zip.json"
    same = ("-n", 2, "--seed", 3, "--device", "cpu")
    result = call("eval", folder / "model.zip", *TRUST, *same, "--json", numbers)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{DOORKEY}, model.zip, 2 episodes: success rate")
    assert call("eval", folder, *same, "--json", tmp_path / "run.json").exit_code == 0
    found, again = (json.loads(path.read_text()) for path in (numbers, tmp_path / "run.json"))
    assert found["arm"] == "model.zip"
    assert {**found, "arm": "attention"} == again


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
def test_trust_opens_what_sb3_alone_saved(plain, algo):
    about = ("--algo", algo, "--env", DOORKEY, "--env.view", "flat")
    result = call("eval", plain / f"{algo}.zip", "--trust", *about, "-n", 1, "--stochastic")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--trust"], "expected --algo and --env"),
        (["--trust", "--algo", "ppo"], "expected --algo and --env"),
        (["--trust", "--algo", "sac", "--env", DOORKEY], "algo: expected 'ppo', 'a2c', 'dqn' or"),
        (["--trust", "--algo", "ppo", "--env", "Nope-v0"], "'Nope-v0'"),
        ([*TRUST, "--env.view", "sky"], "env.view: expected 'entities'"),
        ([*TRUST, "--env.max_entities", "0"], "env.max_entities: expected"),
        ([*TRUST, "--device", "cuda:99"], "device: expected a device"),
        (TRUST, "other observations or actions than MiniGrid-DoorKey-5x5-v0"),
        (
            ["--trust", "--algo", "dqn", "--env", DOORKEY, "--env.view", "flat"],
            "cannot be opened as a zip of dqn",
        ),
    ],
)
def test_a_zip_of_something_else_is_one_line(plain, arguments, part):
    assert part in one_line(call("eval", plain / "ppo.zip", *arguments))


def test_rows_of_the_view_are_as_in_training(runs):
    path = folder_of(runs) / "model.zip"
    line = one_line(call("eval", path, *TRUST, "--env.max_entities", "8"))
    assert "in the view 'entities'; say --env, --env.view and --env.max_entities" in line


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_half_a_zip_is_one_line(plain, tmp_path, share):
    whole = (plain / "ppo.zip").read_bytes()
    path = tmp_path / "half.zip"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "half.zip" in one_line(call("eval", path, *TRUST, "--env.view", "flat"))


def test_a_zip_of_nothing_is_one_line(tmp_path):
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "{}")
    line = one_line(call("eval", path, *TRUST))
    assert "cannot be opened as a zip of ppo" in line


@pytest.mark.parametrize("arguments", [["--trust"], ["--algo", "ppo"], ["--env", DOORKEY]])
def test_a_run_folder_needs_no_trust(runs, arguments):
    line = one_line(call("eval", folder_of(runs), *arguments))
    assert "--trust, --algo and --env are for a zip" in line
