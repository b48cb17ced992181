"""The setting `value_gain`: the same run but for where the critic starts."""

import pytest
import torch
from runs_for_tests import make_config

from rl_attention.errors import UserError
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model


def first_weights(kind, **hyperparams):
    config = make_config(kind, hyperparams=hyperparams)
    env = build_env(config)
    try:
        return build_model(config, env).policy.state_dict()
    finally:
        env.close()


@pytest.mark.parametrize("kind", ["ppo", "a2c", "ppo_lstm"])
def test_the_critic_starts_as_told_and_all_else_as_before(kind):
    before, after = first_weights(kind), first_weights(kind, value_gain=0.25)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert moved == {"value_net.weight"}
    assert torch.equal(after["value_net.weight"], 0.25 * before["value_net.weight"])


def test_an_algorithm_without_values_of_states_has_no_such_setting():
    with pytest.raises(UserError, match="value_gain"):
        make_config("dqn", hyperparams={"value_gain": 0.1})
