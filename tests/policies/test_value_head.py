"""A critic that starts near zero: its values shrink, and nothing else of the model moves."""

import pytest
import torch
from algorithms_for_tests import ALGORITHMS, find_class, make
from spaces_for_tests import SPACES

from rl_attention.errors import UserError
from rl_attention.policies import scale_value_head

WITH_VALUE_HEAD = ("A2C", "MaskablePPO", "PPO", "RecurrentPPO", "TRPO")
GAIN = 0.01


def weights(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


@pytest.mark.parametrize("name", WITH_VALUE_HEAD)
def test_only_the_weights_of_the_value_head_shrink(name):
    model = make(name)
    before = weights(model)
    scale_value_head(model.policy, GAIN)
    after = weights(model)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert moved == {"value_net.weight"}
    torch.testing.assert_close(after["value_net.weight"], GAIN * before["value_net.weight"])
    model.learn(16)
    assert not torch.equal(weights(model)["value_net.weight"], after["value_net.weight"])


@pytest.mark.parametrize("name", WITH_VALUE_HEAD)
def test_as_an_option_of_the_policy_it_is_the_same_and_comes_back_from_disk(name, tmp_path):
    expected = make(name)
    scale_value_head(expected.policy, GAIN)
    model = make(name, value_gain=GAIN)
    for key, value in weights(expected).items():
        torch.testing.assert_close(weights(model)[key], value, rtol=0, atol=0)
    trained = weights(model.learn(16))
    model.save(tmp_path / "model")
    model.policy.save(tmp_path / "policy.pth")
    loaded = find_class(name).load(tmp_path / "model", device="cpu")
    policy = type(model.policy).load(tmp_path / "policy.pth", device="cpu")
    for found in (loaded.policy.state_dict(), policy.state_dict()):
        assert all(torch.equal(found[key], value) for key, value in trained.items())


def test_values_differ_less_from_state_to_state():
    model = make("PPO")
    SPACES["everything"].seed(3)
    states = [SPACES["everything"].sample() for _ in range(32)]
    given = [model.policy.obs_to_tensor(state)[0] for state in states]
    first = torch.stack([model.policy.predict_values(state) for state in given])
    scale_value_head(model.policy, GAIN)
    second = torch.stack([model.policy.predict_values(state) for state in given])
    assert first.std() > 0
    torch.testing.assert_close(second.std(), GAIN * first.std(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - set(WITH_VALUE_HEAD)))
def test_a_policy_without_values_of_states_is_refused(name):
    with pytest.raises(UserError, match="expected a policy with a value head, got Attention"):
        scale_value_head(make(name).policy, GAIN)


@pytest.mark.parametrize("gain", [-0.1, float("nan"), float("inf"), True, "0.01", None])
def test_a_gain_is_a_finite_number_from_zero_on(gain):
    with pytest.raises(UserError, match="value_gain: expected a finite number from 0 on, got"):
        make("PPO", value_gain=gain)
