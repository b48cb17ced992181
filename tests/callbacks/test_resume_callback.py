"""The callback alone, on models that our command line never makes."""

import numpy as np
import pytest
import torch
from sac_for_tests import ShortPendulum
from safetensors.torch import load_file
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3, HerReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.vec_env import VecNormalize

from rl_attention.callbacks import ResumeCallback
from rl_attention.checkpoints import CheckpointError
from rl_attention.checkpoints.replay_state import check_buffer
from rl_attention.checkpoints.tensors import pack, unpack
from rl_attention.errors import UserError
from rl_attention.experiment.weights import named_tensors

TOTAL = 400


class PowerCut(BaseException):
    pass


class Cut(BaseCallback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def _on_step(self):
        if self.num_timesteps >= self.step:
            raise PowerCut
        return True


def make_env(*, normalized=False):
    env = make_vec_env(ShortPendulum, n_envs=2, seed=0)
    return VecNormalize(env) if normalized else env


OFF = {"learning_starts": 50, "buffer_size": 150, "batch_size": 16}
NOISE = OrnsteinUhlenbeckActionNoise(mean=np.zeros(1), sigma=0.1 * np.ones(1))


def build(algorithm, env, **settings):
    settings = {"policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu", **settings}
    return algorithm("MlpPolicy", env, **settings)


MODELS = {
    "ppo": lambda: build(PPO, make_env(normalized=True), n_steps=16, batch_size=16),
    "a2c, state-dependent noise": lambda: build(A2C, make_env(), use_sde=True),
    "sac": lambda: build(SAC, make_env(normalized=True), **OFF),
    "sac, state-dependent noise": lambda: build(SAC, make_env(), use_sde=True, **OFF),
    "sac, fixed entropy": lambda: build(SAC, make_env(), ent_coef=0.1, **OFF),
    "ddpg": lambda: build(DDPG, make_env(), **OFF),
    "td3, noise with a memory": lambda: build(TD3, make_env(), action_noise=NOISE, **OFF),
}


def train(name, folder, *, cut=None, **options):
    model = MODELS[name]()
    saving = ResumeCallback(folder, every=100, **options)
    done = saving.resume(model)
    callbacks = [saving] if cut is None else [saving, Cut(cut)]
    model.learn(TOTAL - done, callback=callbacks, reset_num_timesteps=not done)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_an_interrupted_training_ends_as_the_uninterrupted_one(name, tmp_path):
    whole = train(name, tmp_path / "whole")
    for step in (150, 290):
        with pytest.raises(PowerCut):
            train(name, tmp_path / "cut", cut=step)
    resumed = train(name, tmp_path / "cut")
    assert resumed.num_timesteps == whole.num_timesteps
    one, other = named_tensors(whole.policy), named_tensors(resumed.policy)
    assert all(torch.equal(one[key], other[key]) for key in one)
    if hasattr(whole, "log_ent_coef") and whole.log_ent_coef is not None:
        assert torch.equal(whole.log_ent_coef, resumed.log_ent_coef)
    if whole.get_vec_normalize_env() is not None:
        means = [model.get_vec_normalize_env().obs_rms.mean for model in (whole, resumed)]
        assert np.array_equal(*means)


def test_optimizers_are_kept(tmp_path):
    first = train("sac", tmp_path)
    second = MODELS["sac"]()
    assert ResumeCallback(tmp_path).resume(second) == TOTAL
    for name, state in first.get_parameters().items():
        flat = dict(_flatten(state))
        assert flat == dict(_flatten(second.get_parameters()[name])), name
    assert second.replay_buffer.pos == first.replay_buffer.pos
    assert np.array_equal(second.replay_buffer.observations, first.replay_buffer.observations)


def _flatten(state, at=""):
    if isinstance(state, dict):
        for key, value in state.items():
            yield from _flatten(value, f"{at}/{key}")
    elif isinstance(state, torch.Tensor):
        yield at, state.tolist()
    else:
        yield at, state


def test_another_model_is_refused(tmp_path):
    train("ppo", tmp_path)
    wider = build(PPO, make_env(normalized=True), policy_kwargs={"net_arch": [9]})
    with pytest.raises(CheckpointError, match="another model"):
        ResumeCallback(tmp_path).resume(wider)
    with pytest.raises(CheckpointError, match="another model"):
        ResumeCallback(tmp_path).resume(MODELS["sac"]())
    unnormalised = build(PPO, make_env())
    with pytest.raises(CheckpointError, match="normalised"):
        ResumeCallback(tmp_path).resume(unnormalised)


def test_another_replay_buffer_is_refused(tmp_path):
    train("sac, fixed entropy", tmp_path)
    other = build(SAC, make_env(), ent_coef=0.1, **{**OFF, "buffer_size": 100})
    with pytest.raises(CheckpointError, match="replay buffer"):
        ResumeCallback(tmp_path).resume(other)


def test_buffers_that_cannot_be_kept_are_refused_by_name(tmp_path):
    env = make_vec_env("CartPole-v1")
    lean = {
        "optimize_memory_usage": True,
        "replay_buffer_kwargs": {"handle_timeout_termination": False},
    }
    model = DQN("MlpPolicy", env, buffer_size=100, **lean)
    with pytest.raises(UserError, match="optimize_memory_usage"):
        model.learn(10, callback=ResumeCallback(tmp_path))
    with pytest.raises(UserError, match="NStepReplayBuffer cannot be kept"):
        DQN("MlpPolicy", env, buffer_size=100, n_steps=3).learn(
            10, callback=ResumeCallback(tmp_path)
        )
    with pytest.raises(UserError, match="HerReplayBuffer cannot be kept"):
        check_buffer(HerReplayBuffer.__new__(HerReplayBuffer))
    assert list(tmp_path.iterdir()) == []


def test_an_algorithm_that_is_not_known_resumes_with_a_warning(tmp_path):
    class Tinkered(PPO):
        pass

    model = Tinkered("MlpPolicy", make_vec_env("CartPole-v1"), n_steps=16, batch_size=16)
    with pytest.warns(UserWarning, match="Tinkered resumes, but not bitwise"):
        model.learn(32, callback=ResumeCallback(tmp_path))


def test_counting_from_zero_after_resuming_is_refused(tmp_path):
    train("ppo", tmp_path)
    model = MODELS["ppo"]()
    saving = ResumeCallback(tmp_path)
    saving.resume(model)
    with pytest.raises(UserError, match="reset_num_timesteps=False"):
        model.learn(800, callback=saving)


def test_what_a_monitor_adds_does_not_matter(tmp_path):
    model = MODELS["ppo"]()
    model.learn(32)
    model.ep_info_buffer.append({"r": np.float32(1.5), "l": 3, "t": 0.1, "map": np.eye(2), "o": {}})
    model.learn(32, callback=ResumeCallback(tmp_path), reset_num_timesteps=False)
    other = MODELS["ppo"]()
    ResumeCallback(tmp_path).resume(other)
    assert {"r": 1.5, "l": 3, "t": 0.1} in other.ep_info_buffer


def test_a_negative_interval_is_refused(tmp_path):
    with pytest.raises(UserError, match="every must be at least 0"):
        ResumeCallback(tmp_path, every=-1)


def test_nested_state_comes_back():
    shared = torch.arange(3.0)
    state = {
        "a": [shared, (shared, 1, None, True, "text")],
        3: {"inf": float("inf"), "array": np.eye(2), "number": np.float32(0.1)},
        "empty": torch.zeros(0, 2),
        "view": shared[:2],
    }
    tensors = {}
    plain = pack(state, tensors)
    back = unpack(plain, tensors)
    assert list(tensors) == ["/a/0", "/3/array", "/empty", "/view"]
    assert back["a"][1][1:] == (1, None, True, "text")
    assert back["a"][1][0] is back["a"][0]
    assert back[3]["inf"] == float("inf")
    assert back[3]["number"] == float(np.float32(0.1))
    assert np.array_equal(back[3]["array"], np.eye(2))
    assert torch.equal(back["view"], shared[:2])
    with pytest.raises(TypeError, match="'/x', got object"):
        pack({"x": object()}, {})


@pytest.mark.parametrize(
    "plain", [{}, {"tensor": "no"}, {"dict": 3}, {"what": []}, {"a": 1, "b": 2}]
)
def test_state_that_does_not_belong_together_is_refused(plain):
    with pytest.raises(CheckpointError):
        unpack(plain, {})


def test_the_tensors_are_plain(tmp_path):
    train("ppo", tmp_path)
    newest = max(tmp_path.iterdir())
    assert {path.name for path in newest.iterdir()} == {
        "manifest.json",
        "state.json",
        "tensors.safetensors",
    }
    assert load_file(newest / "tensors.safetensors")
