import json
from types import SimpleNamespace

import numpy as np
import pytest

from rl_attention.callbacks import SuccessThresholdCallback
from rl_attention.errors import UserError


class Feed:
    """Hand episodes to a callback as a vector environment would."""

    def __init__(self, callback, n_envs):
        env = SimpleNamespace(num_envs=n_envs)
        model = SimpleNamespace(num_timesteps=0, get_env=lambda: env)
        self.callback, self.model, self.n_envs = callback, model, n_envs
        callback.init_callback(model)
        callback.on_training_start({}, {})

    def step(self, results=None):
        """One vector step; `results` maps environments that end to their success."""
        results = results or {}
        dones = np.array([index in results for index in range(self.n_envs)])
        infos = [{"is_success": results[i]} if i in results else {} for i in range(self.n_envs)]
        self.model.num_timesteps += self.n_envs
        self.callback.update_locals({"dones": dones, "infos": infos})
        assert self.callback.on_step()


def test_the_first_step_of_a_good_enough_window():
    callback = SuccessThresholdCallback(window=10)
    feed = Feed(callback, 1)
    for number in range(30):
        feed.step()
        feed.step({0: number >= 10})
    # episodes 10 to 18 won and 9 lost: nine of ten when episode 18 ends
    assert callback.reached_at == 19 * 2
    assert callback.episodes == 30
    assert callback.success_rate == 1.0


def test_quick_successes_alone_do_not_count():
    """One environment wins fast and often, the other has not finished twice."""
    callback = SuccessThresholdCallback(window=4)
    feed = Feed(callback, 2)
    for _ in range(50):
        feed.step({0: True})
    assert callback.reached_at is None
    assert callback.success_rate is None
    assert callback.curve == []
    feed.step({1: False})
    feed.step({1: True})
    assert callback.success_rate == 0.75
    for _ in range(3):
        feed.step({0: True})
    assert callback.reached_at == 2 * 55


def test_the_window_holds_two_episodes_of_each_environment():
    callback = SuccessThresholdCallback(window=1)
    feed = Feed(callback, 3)
    feed.step(dict.fromkeys(range(3), False))
    feed.step(dict.fromkeys(range(3), True))
    assert callback.success_rate == 0.5
    feed.step(dict.fromkeys(range(3), True))
    assert callback.reached_at == 9


def test_a_window_that_is_not_full_does_not_count():
    callback = SuccessThresholdCallback(window=10)
    feed = Feed(callback, 1)
    for _ in range(9):
        feed.step({0: True})
    assert callback.success_rate == 1.0
    assert callback.reached_at is None
    feed.step({0: True})
    assert callback.reached_at == 10


def test_it_is_the_first_time_that_counts():
    callback = SuccessThresholdCallback(window=2)
    feed = Feed(callback, 1)
    for won in (True, True, False, False, True, True):
        feed.step({0: won})
    assert callback.reached_at == 2


@pytest.mark.parametrize("episodes", [1, 5, 199, 200, 201, 1234])
def test_the_curve_is_thin_and_true(episodes):
    callback = SuccessThresholdCallback(window=1, threshold=1.0)
    feed = Feed(callback, 1)
    true = {}
    for number in range(episodes):
        feed.step({0: number % 3 == 0})
        true[feed.model.num_timesteps] = callback.success_rate
    curve = callback.curve
    assert len(curve) <= 200
    assert len(curve) >= min(episodes - 1, 90)
    assert all(true[step] == rate for step, rate in curve)
    steps = [step for step, _ in curve]
    assert steps == sorted(set(steps))
    if episodes > 1:
        assert steps[0] == 2
        assert steps[-1] == episodes


def test_going_on_from_a_stored_state_changes_nothing():
    rng = np.random.default_rng(0)
    results = [
        {i: bool(rng.random() < k / 400) for i in range(2) if rng.random() < 0.6}
        for k in range(400)
    ]
    whole = SuccessThresholdCallback(window=20, threshold=0.8)
    feed = Feed(whole, 2)
    for result in results:
        feed.step(result)
    first = SuccessThresholdCallback(window=20, threshold=0.8)
    feed = Feed(first, 2)
    for result in results[:150]:
        feed.step(result)
    second = SuccessThresholdCallback(window=20, threshold=0.8)
    second.restore(json.loads(json.dumps(first.state())))
    again = Feed(second, 2)
    again.model.num_timesteps = feed.model.num_timesteps
    for result in results[150:]:
        again.step(result)
    assert whole.reached_at is not None
    assert second.state() == whole.state()
    assert second.curve == whole.curve


def test_in_real_training(make_model, algorithm):
    callback = SuccessThresholdCallback(threshold=0.1, window=10)
    make_model(algorithm).learn(320, callback=callback)
    assert 10 * 3 <= callback.reached_at <= 320
    assert 320 / 5 - 2 <= callback.episodes <= 320 / 3
    assert 0 <= callback.success_rate <= 1


def test_missing_is_success_is_an_error():
    feed = Feed(SuccessThresholdCallback(), 1)
    feed.callback.update_locals({"dones": np.array([True]), "infos": [{}]})
    with pytest.raises(UserError, match="is_success"):
        feed.callback.on_step()


@pytest.mark.parametrize("settings", [{"threshold": 0}, {"threshold": 1.1}, {"window": 0}])
def test_settings_out_of_range(settings):
    with pytest.raises(UserError, match="must"):
        SuccessThresholdCallback(**settings)
