"""Every member of the family learns a small real task."""

import numpy as np
import pytest

from rl_attention.experiment.overrides import merge
from rl_attention.experiment.task_config import parse_task
from rl_attention.experiment.task_files import load_task
from rl_attention.experiment.training import run_trial
from rl_attention_envs import make_vec_env

ENV = "BabyAI-GoToObjS4-v0"
MARGIN = 0.3
SMALL = {
    "env": {"id": ENV, "n_envs": 32},
    "n_timesteps": 12_288,
    "extractor": {"width": 32, "feedforward": 64, "features_dim": 64},
    "hyperparams": {"n_steps": 16, "learning_rate": 1e-3, "gamma": 0.95},
    "recording": {"snapshots": 2, "n_probes": 2},
    "eval": {"n_episodes": 64},
}
DATA, SOURCE = load_task("members")
TASK = parse_task(merge(DATA, SMALL), source=SOURCE)


@pytest.fixture(scope="module")
def random_return():
    env = make_vec_env(ENV, n_envs=32, seed=5)
    env.reset()
    generator = np.random.default_rng(0)
    running, finished = np.zeros(32), []
    while len(finished) < 300:
        actions = generator.integers(0, env.action_space.n, 32)
        _, rewards, dones, _ = env.step(actions)
        running += rewards
        finished += running[dones].tolist()
        running[dones] = 0.0
    env.close()
    return np.mean(finished)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:dropout=")
@pytest.mark.parametrize("arm", TASK.arms)
def test_beats_a_random_policy_by_the_margin(arm, random_return, tmp_path):
    results = run_trial(TASK.run(arm, 0), tmp_path / "run")
    assert results.mean_reward > random_return + MARGIN
