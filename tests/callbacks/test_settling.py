"""Where all environments begin anew, quick episodes end first; no curve may show that."""

from collections import deque
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from rl_attention.callbacks import ResumeCallback, SuccessThresholdCallback
from rl_attention.callbacks.settling import Settling


class QuickOrFailed(gymnasium.Env):
    """Half of the episodes end at once with a success, the others fail after twenty steps."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = int(self.np_random.choice([1, 20]))
        self.success = self.left == 1
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.left -= 1
        done = self.left == 0
        info = {"is_success": self.success} if done else {}
        return np.zeros(1, np.float32), float(done and self.success), done, False, info


class Watch(BaseCallback):
    def __init__(self):
        super().__init__()
        self.rates = {}

    def _on_rollout_start(self):
        if self.model.ep_success_buffer:
            self.rates[self.num_timesteps] = np.mean(self.model.ep_success_buffer)

    def _on_step(self):
        return True


def train(folder, **options):
    """128 environments; in the first steps after a checkpoint most that end are successes."""
    env = make_vec_env(QuickOrFailed, n_envs=128, seed=0)
    model = PPO("MlpPolicy", env, n_steps=2, batch_size=256, n_epochs=1, seed=0, device="cpu")
    watch, success = Watch(), SuccessThresholdCallback(threshold=0.7)
    saving = ResumeCallback(folder, every=128 * 100, parts={"success": success}, **options)
    model.learn(128 * 160, callback=[watch, success, saving])
    return {step: rate for step, rate in watch.rates.items() if step >= 128 * 90}, success


def test_no_window_jumps_at_a_checkpoint(tmp_path):
    rates, success = train(tmp_path)
    # all episodes are equally likely, so among those that ended most are not quicker than they are
    assert max(rates.values()) < 0.75
    assert success.reached_at is None
    assert success.curve[-1][0] > 128 * 150


def test_without_it_they_would(tmp_path, monkeypatch):
    monkeypatch.setattr(Settling, "hold_back", lambda *_: True)
    monkeypatch.setattr(SuccessThresholdCallback, "restarted", lambda _: None)
    rates, success = train(tmp_path)
    assert max(rates.values()) > 0.85
    assert success.reached_at is not None


def model_of(step=0):
    return SimpleNamespace(
        num_timesteps=step, ep_info_buffer=deque(maxlen=5), ep_success_buffer=deque(maxlen=5)
    )


def end(settling, model, *who):
    infos = [{"episode": {"r": float(i)}, "is_success": i == 0, "kept": 1} for i in range(3)]
    dones = np.isin(np.arange(3), who)
    over = settling.hold_back(model, {"infos": infos}, dones)
    return over, [sorted(info) for info in infos]


def test_the_first_episode_of_each_is_told_and_no_other():
    settling, model = Settling(3, until=100), model_of()
    over, infos = end(settling, model, 2)
    assert not over
    assert infos == [["episode", "is_success", "kept"]] * 2 + [["kept"]]
    assert not end(settling, model, 0, 2)[0]
    assert not model.ep_info_buffer
    assert end(settling, model, 1)[0]
    assert [episode["r"] for episode in model.ep_info_buffer] == [0.0, 1.0, 2.0]
    assert list(model.ep_success_buffer) == [True, False, False]


def test_an_endless_episode_is_not_waited_for():
    settling, model = Settling(3, until=100), model_of()
    end(settling, model, 0)
    model.num_timesteps = 100
    assert end(settling, model)[0]
    assert len(model.ep_info_buffer) == 1


@pytest.mark.parametrize("buffer", ["ep_info_buffer", "ep_success_buffer"])
def test_windows_may_be_absent(buffer):
    model = model_of()
    setattr(model, buffer, None)
    assert end(Settling(3, until=0), model, 0, 1, 2)[0]
