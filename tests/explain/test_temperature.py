"""The softmax over Q-values does not depend on the scale of the reward."""

import numpy as np
import pytest
import torch
from explain_samples import make_model, states_of

from rl_attention.explain import ActingOptions, Subject
from rl_attention.recording import ProbeSet


def test_the_scale_of_the_reward_does_not_matter():
    model = make_model(algorithm="dqn")
    states = ProbeSet.from_observations(states_of(model.observation_space, 20))
    subject = Subject(model, states)
    before = subject.decisions.probabilities[0]
    # by hand: each softmax is over values whose spread is one on average
    logs = np.log(before)
    assert logs.std(axis=1).mean() == pytest.approx(1.0, rel=1e-4)
    last = [part for part in model.policy.q_net.modules() if isinstance(part, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(1000.0)
        last.bias.mul_(1000.0)
    scaled = Subject(model, states)
    assert scaled.options.temperature == pytest.approx(1000 * subject.options.temperature, rel=1e-4)
    np.testing.assert_allclose(scaled.decisions.probabilities[0], before, atol=1e-4)


def test_equal_values_can_be_divided():
    model = make_model(algorithm="dqn")
    with torch.no_grad():
        for weight in model.policy.q_net.q_net.parameters():
            weight.zero_()
    states = ProbeSet.from_observations(states_of(model.observation_space, 3))
    (probabilities,) = Subject(model, states).decisions.probabilities
    np.testing.assert_allclose(probabilities, 1 / probabilities.shape[1])


def test_a_temperature_that_is_given_is_taken():
    model = make_model(algorithm="dqn")
    states = ProbeSet.from_observations(states_of(model.observation_space, 3))
    subject = Subject(model, states, options=ActingOptions(temperature=0.5))
    assert subject.options.temperature == 0.5
    assert Subject(make_model(), states).options.temperature is None
