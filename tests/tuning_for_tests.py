"""Runs without any training, whose curve depends on the settings."""

import math

from rl_attention.experiment.results import Results
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.yaml_files import dump_yaml
from rl_attention.files import write_json, write_text
from rl_attention.sweep.executor import Outcome

FILE = {
    "n_timesteps": 64,
    "device": "cpu",
    "hyperparams": {"n_steps": 8},
    "recording": {"snapshots": 0},
    "eval": {"n_episodes": 2},
    "arms": {"mlp": None, "attention": None},
    "seeds": [100],
    "tasks": {
        "empty": {"env": {"id": "MiniGrid-Empty-5x5-v0", "n_envs": 2}},
        "door": {"env": {"id": "MiniGrid-DoorKey-5x5-v0", "n_envs": 2}},
    },
    "n_trials": 3,
    "search": {
        "hyperparams.learning_rate": {"low": 2.5e-4, "high": 2e-3, "log": True},
        "hyperparams.n_epochs": {"low": 1, "high": 4},
        "hyperparams.gae_lambda": {"choices": [0.9, 0.95]},
    },
}


def rate(config):
    """Best at a learning rate of 0.001 and few epochs."""
    chosen = config.hyperparams
    far = abs(math.log(chosen.learning_rate / 1e-3)) + chosen.n_epochs / 4
    return round(max(0.0, 1 - far / 3), 6)


def finish(trial):
    """Write what a finished run would have left."""
    folder = RunFolder(trial.folder)
    config = trial.config
    write_text(folder.config, dump_yaml(config.dump()))
    success = rate(config)
    results = Results(
        env=config.env.id, arm=config.name, extractor=config.arm, algo=config.algo,
        seed=config.seed, n_timesteps=config.n_timesteps, frames=config.n_timesteps,
        success_rate=success, mean_reward=0.0, std_reward=0.0, mean_ep_length=1.0,
        n_eval_episodes=1, episode_returns=[0.0], episode_successes=[False], frames_to_90=None,
        curve=[[32, success]], parameters={"extractor": 1, "policy": 2}, fps=1.0,
        wall_time_s=1.0, backend="envpool", entity_overflow=0, versions={},
    )  # fmt: skip
    write_json(folder.results, results.to_dict())


class Pretending:
    """An executor that finishes runs at once, and counts them.

    Args:
        broken: Says of which trials fail.
        limit: Calls before Ctrl-C.
    """

    def __init__(self, broken=lambda trial: False, limit=None):
        self.ran, self.calls, self.broken, self.limit = [], 0, broken, limit

    def run(self, trials, watcher=None):
        if self.calls == self.limit:
            raise KeyboardInterrupt
        self.calls += 1
        self.ran += trials
        outcomes = []
        for trial in trials:
            if self.broken(trial):
                outcomes.append(Outcome(trial, f"{trial.name} broke"))
            else:
                finish(trial)
                outcomes.append(Outcome(trial, None))
        return outcomes
