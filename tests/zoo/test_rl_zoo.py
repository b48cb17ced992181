"""RL Zoo's own commands, in processes of their own, with the YAML that is shipped."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rl_attention import AttentionExtractor

ROOT = Path(__file__).parents[2]
FILES = ROOT / "configs" / "rl_zoo"
PAGE = (ROOT / "docs" / "rl-zoo.md").read_text(encoding="utf-8")
ALGORITHMS = {
    "ppo": ("stable_baselines3", "PPO", "AttentionActorCriticPolicy"),
    "a2c": ("stable_baselines3", "A2C", "AttentionActorCriticPolicy"),
    "dqn": ("stable_baselines3", "DQN", "AttentionDQNPolicy"),
    "qrdqn": ("sb3_contrib", "QRDQN", "AttentionQRDQNPolicy"),
    "trpo": ("sb3_contrib", "TRPO", "AttentionActorCriticPolicy"),
    "ppo_lstm": ("sb3_contrib", "RecurrentPPO", "AttentionRecurrentActorCriticPolicy"),
}
# a rollout of 64 environments x 40 steps would be more than a test needs
SMALLER = {
    "ppo": "n_envs:4 n_steps:32 batch_size:32",
    "a2c": "n_envs:4",
    "dqn": "n_envs:4 learning_starts:100",
    "qrdqn": "n_envs:4 learning_starts:100",
    "trpo": "n_envs:4 n_steps:32 batch_size:32",
    "ppo_lstm": "n_envs:4 n_steps:32 batch_size:32",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("rl_zoo3") is None,
        reason="rl_zoo3 is not installed: pip install 'rl-attention[zoo]'",
    ),
]


def run(command, folder):
    """Run a line in a folder as a user would, with this Python; return what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, f"{command}\n{printed}"
    return printed


def train(algo, folder, *, env="MiniGrid-DoorKey-5x5-v0", file=None, more="", params=""):
    file = file or FILES / f"{algo}.yml"
    return run(
        f"python -m rl_zoo3.train --algo {algo} --env {env} --conf-file {file} "
        f"--gym-packages rl_attention_envs -n 512 --eval-freq -1 -f logs --num-threads 1 --seed 0 "
        f"{more} -params {SMALLER[algo]} {params}",
        folder,
    )


def enjoy(algo, folder, *, env="MiniGrid-DoorKey-5x5-v0", more=""):
    return run(
        f"python -m rl_zoo3.enjoy --algo {algo} --env {env} -f logs --no-render -n 260 "
        f"--num-threads 1 {more}",
        folder,
    )


def saved_model(algo, folder, env="MiniGrid-DoorKey-5x5-v0", run_id=1):
    package, name, _ = ALGORITHMS[algo]
    path = folder / "logs" / algo / f"{env}_{run_id}" / f"{env}.zip"
    return getattr(importlib.import_module(package), name).load(path, device="cpu")


def extractor_of(policy):
    for owner in ("q_net", "quantile_net"):
        if hasattr(policy, owner):
            return getattr(policy, owner).features_extractor
    return policy.features_extractor


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_trains_and_enjoys_from_another_folder(algo, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    train(algo, here)
    model = saved_model(algo, here)
    assert f"{type(model.policy).__module__}.{type(model.policy).__name__}" == (
        f"rl_attention.policies.{ALGORITHMS[algo][2]}"
    )
    assert type(extractor_of(model.policy)) is AttentionExtractor
    assert model.num_timesteps >= 512
    shutil.move(here, there)
    printed = enjoy(algo, there)
    assert "Episode Reward" in printed
    assert "Success rate" in printed


def test_a_babyai_mission_and_evaluations_while_training(tmp_path):
    env = "BabyAI-GoToLocal-v0"
    printed = train("ppo", tmp_path, env=env, more="--eval-freq 256 --eval-episodes 2")
    assert "success_rate" in printed
    assert (tmp_path / "logs" / "ppo" / f"{env}_1" / "best_model.zip").is_file()
    enjoy("ppo", tmp_path, env=env, more="--load-best")


def test_a_training_goes_on_from_a_saved_model(tmp_path):
    train("ppo", tmp_path)
    first = "logs/ppo/MiniGrid-DoorKey-5x5-v0_1/MiniGrid-DoorKey-5x5-v0.zip"
    assert "Loading pretrained agent" in train("ppo", tmp_path, more=f"-i {first}")
    assert type(saved_model("ppo", tmp_path, run_id=2).policy).__name__ == ALGORITHMS["ppo"][2]


def test_each_environment_in_a_process_of_its_own(tmp_path):
    train("ppo", tmp_path, more="--vec-env subproc", params="n_envs:2")


def test_maps_while_it_trains(tmp_path):
    callback = blocks("yaml")[2].strip()
    entry = yaml.safe_load((FILES / "ppo.yml").read_text(encoding="utf-8"))
    entry = entry["MiniGrid-DoorKey-5x5-v0"] | yaml.safe_load(callback)
    file = tmp_path / "maps.yml"
    file.write_text(yaml.safe_dump({"MiniGrid-DoorKey-5x5-v0": entry}), encoding="utf-8")
    train("ppo", tmp_path, file=file, more="-tb tb")
    (events,) = tmp_path.glob("tb/**/events.out.tfevents.*")
    assert b"attention_map/probe00" in events.read_bytes()


def test_another_view_by_a_plain_option(tmp_path):
    wrapper = yaml.safe_load(blocks("yaml")[1])
    entry = yaml.safe_load((FILES / "a2c.yml").read_text(encoding="utf-8"))
    entry = entry["MiniGrid-DoorKey-5x5-v0"] | wrapper
    # the other way to write options
    entry["policy_kwargs"] = {"features_extractor_kwargs": {"position": "relative", "width": 32}}
    file = tmp_path / "cells.yml"
    file.write_text(yaml.safe_dump({"MiniGrid-DoorKey-5x5-v0": entry}), encoding="utf-8")
    train("a2c", tmp_path, file=file)
    enjoy("a2c", tmp_path)
    assert "cells" in saved_model("a2c", tmp_path).observation_space.spaces


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ('"policy_kwargs:dict(n_heads=3)"', "UserError: policy_kwargs: expected options of Actor"),
        ("normalize:True", "VecNormalize only supports"),
        ("frame_stack:4", "StackedObservations only supports"),
    ],
)
def test_what_does_not_go_is_said(params, message, tmp_path):
    with pytest.raises(AssertionError, match=message):
        train("ppo", tmp_path, params=params)


def test_rewards_alone_can_be_normalised(tmp_path):
    train("ppo", tmp_path, params='"normalize:dict(norm_obs=False)"')
    enjoy("ppo", tmp_path)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def smaller(line):
    """Shorten a command of the page."""
    more = {
        "-m rl_zoo3.train": f" -n 512 --eval-freq -1 -params {SMALLER['ppo']}",
        "-m rl_zoo3.enjoy": " -n 200",
        "-m rl_zoo3.benchmark": " -n 200",
    }
    return line + "".join(text for name, text in more.items() if name in line)


def test_the_page_can_be_typed_in(tmp_path):
    pytest.importorskip("pandas", reason="pandas is not installed: pip install 'rl-attention[zoo]'")
    text = blocks("yaml")[0]
    assert len(text.strip().splitlines()) == 10
    (tmp_path / "attention.yml").write_text(text, encoding="utf-8")
    lines = [line for block in blocks("console") for line in block.strip().splitlines()]
    assert lines[0].startswith("pip install")
    assert len(lines) == 5
    for line in lines[1:]:
        run(smaller(line), tmp_path)
    table = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    assert re.search(r"\|ppo *\|BabyAI-GoToLocal-v0\|", table)
