"""RecurrentPPO of sb3-contrib, by its name in RL Zoo."""

import numpy as np
import pytest

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.evaluation import evaluate
from rl_attention.experiment.explaining import explain_runs
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.models import build_model
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate


def lstm(arm="mlp", **changes):
    data = {
        "env": {"id": "Recall-8-v0", "n_envs": 8, "max_entities": 4, "n_frames": 1},
        "algo": "ppo_lstm",
        "arm": arm,
        "hyperparams": {"n_steps": 18, "lstm_hidden_size": 8},
        "n_timesteps": 288,
        "extractor": {"width": 16, "n_heads": 2, "features_dim": 16, "feedforward": 64},
        "net_arch": [16],
        "recording": {"snapshots": 2, "n_probes": 3},
        "eval": {"n_episodes": 8},
        "device": "cpu",
        "num_threads": 1,
    }
    return validate(RunConfig, {**data, **changes})


@pytest.mark.parametrize("arm", ["attention", "mlp"])
def test_a_run_is_trained_and_opened_again(arm, tmp_path):
    results = run_trial(lstm(arm), tmp_path / "run")
    assert (results.algo, results.frames) == ("ppo_lstm", 288)
    assert results.operations > 0
    loaded = load_policy(tmp_path / "run")
    try:
        assert type(loaded.model).__name__ == "RecurrentPPO"
        again = evaluate(loaded.model, loaded.config, loaded.env)
        np.testing.assert_array_equal(again.returns, results.episode_returns)
    finally:
        loaded.env.close()
    with pytest.raises(UserError, match="recurrent"):
        explain_runs([tmp_path / "run"], n_episodes=1, n_states=1)


def test_sizes_of_the_memory_reach_the_policy():
    config = lstm(
        hyperparams={
            "lstm_hidden_size": 12,
            "n_lstm_layers": 2,
            "shared_lstm": True,
            "enable_critic_lstm": False,
        }
    )
    env = build_env(config)
    policy = build_model(config, env).policy
    env.close()
    assert (policy.lstm_actor.hidden_size, policy.lstm_actor.num_layers) == (12, 2)
    assert policy.lstm_critic is None


def test_what_does_not_go_together_is_refused():
    with pytest.raises(UserError, match="enable_critic_lstm: expected false with shared_lstm"):
        lstm(hyperparams={"shared_lstm": True})
    with pytest.raises(UserError, match="algo: expected ppo or a2c with imitation"):
        validate(
            RunConfig,
            {"env": {"id": "BabyAI-GoToLocal-v0"}, "algo": "ppo_lstm", "imitation": {}},
        )
