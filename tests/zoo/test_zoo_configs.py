"""What configs/rl_zoo/ says can be built, and says of PPO what our own task files say."""

import importlib
import inspect
import re
from pathlib import Path

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import pytest
import yaml
from stable_baselines3 import PPO

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.models import default_batch_size
from rl_attention_envs.wrappers import ViewObservation

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs" / "rl_zoo").glob("*.yml"))
ENTRIES = [
    pytest.param(path.stem, env_id, entry, id=f"{path.stem}-{env_id}")
    for path in FILES
    for env_id, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()
]
ALGORITHMS = {
    "ppo": ("stable_baselines3", "PPO"),
    "a2c": ("stable_baselines3", "A2C"),
    "dqn": ("stable_baselines3", "DQN"),
    "qrdqn": ("sb3_contrib", "QRDQN"),
    "trpo": ("sb3_contrib", "TRPO"),
    "ppo_lstm": ("sb3_contrib", "RecurrentPPO"),
}
OF_ZOO = ("env_wrapper", "n_envs", "n_timesteps", "policy", "policy_kwargs")


def class_at(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_there_is_a_file_for_each_algorithm():
    assert {path.stem for path in FILES} == set(ALGORITHMS)


@pytest.mark.parametrize(("algo", "env_id", "entry"), ENTRIES)
def test_every_entry_builds_a_model(algo, env_id, entry):
    package, name = ALGORITHMS[algo]
    pytest.importorskip(package, reason=f"{package} is not installed")
    assert class_at(entry["env_wrapper"]) is ViewObservation
    env = ViewObservation(gymnasium.make(env_id, disable_env_checker=True))
    settings = {key: value for key, value in entry.items() if key not in OF_ZOO}
    if "n_steps" in settings and "batch_size" in settings:
        settings["n_steps"] = settings["batch_size"]  # a rollout of one environment must hold it
    model = getattr(importlib.import_module(package), name)(
        class_at(entry["policy"]),
        env,
        device="cpu",
        # RL Zoo evaluates this text as it stands, with no name of ours in reach
        policy_kwargs=eval(entry["policy_kwargs"], {}),
        **settings,
    )
    assert type(model.policy).__module__ == "rl_attention.policies"
    assert entry["n_timesteps"] >= 1e5


def our_settings(path):
    task = yaml.safe_load(path.read_text(encoding="utf-8"))
    task.pop("arms", None)
    task.pop("seeds", None)
    return RunConfig.model_validate(task)


@pytest.mark.parametrize("name", ["doorkey-5x5", "doorkey-6x6", "doorkey-8x8", "gotolocal"])
def test_ppo_has_the_settings_of_our_task_files(name):
    ours = our_settings(ROOT / "configs" / f"{name}.yaml")
    zoo = yaml.safe_load((ROOT / "configs/rl_zoo/ppo.yml").read_text(encoding="utf-8"))[ours.env.id]
    expected = ours.hyperparams.model_dump()
    expected["batch_size"] = default_batch_size(expected["n_steps"] * ours.env.n_envs)
    # what SB3 has no argument for: an option of our policies, and a callback
    policy_kwargs = eval(zoo["policy_kwargs"], {})
    assert policy_kwargs.get("value_gain", 1.0) == expected.pop("value_gain")
    assert expected.pop("advantage_floor") == 0.0
    for key, value in expected.items():
        assert zoo.get(key, inspect.signature(PPO).parameters[key].default) == value, key
    assert (zoo["n_envs"], zoo["n_timesteps"]) == (ours.env.n_envs, ours.n_timesteps)
    assert tuple(policy_kwargs["net_arch"]) == ours.net_arch
    extractor = ours.extractor.model_dump()
    for key, value in policy_kwargs["features_extractor_kwargs"].items():
        assert extractor[key] == value, key


def test_the_page_names_every_policy():
    from rl_attention import policies

    page = (ROOT / "docs" / "rl-zoo.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(Attention\w+Policy)`", page)) == set(policies.__all__) - {
        "scale_value_head"
    }
