"""Tiny runs that cross several checkpoints, and what they leave."""

from safetensors.torch import load_file
from torch import equal

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.validation import validate

ENVIRONMENT = "MiniGrid-Empty-Random-5x5-v0"

BASE = {
    "env": {"id": ENVIRONMENT, "n_envs": 4},
    "n_timesteps": 640,
    "extractor": {"width": 8, "n_heads": 2, "features_dim": 8, "feedforward": 8},
    "net_arch": [8],
    "hyperparams": {"n_steps": 16, "batch_size": 32, "n_epochs": 2},
    "eval": {"n_episodes": 6, "deterministic": False},
    "recording": {"snapshots": 0},
    "checkpoint": {"every": 128},
    "device": "cpu",
    "num_threads": 1,
}
DQN = {
    "algo": "dqn",
    "hyperparams": {
        "learning_starts": 64,
        "buffer_size": 400,
        "target_update_interval": 64,
        "gradient_steps": 1,
    },
}
KINDS = {
    "ppo": {"hyperparams": {"learning_rate": "lin_0.01"}},
    "ppo-maps": {"recording": {"snapshots": 4, "n_probes": 1}},
    "ppo-gymnasium": {"env": {"backend": "gymnasium"}},
    "ppo-subproc": {"env": {"backend": "gymnasium", "vec_env": "subproc", "n_envs": 2}},
    "ppo-normalized": {"arm": "flat", "env": {"normalize": True}},
    "ppo-entropy": {"attention_ent_coef": "lin_0.01"},
    "ppo-windows": {"env": {"n_frames": 4}},
    "ppo_lstm": {"algo": "ppo_lstm", "hyperparams": {"lstm_hidden_size": 8}},
    "a2c": {"algo": "a2c"},
    "a2c-gymnasium": {"algo": "a2c", "env": {"backend": "gymnasium"}},
    "dqn": DQN,
    "dqn-gymnasium": {**DQN, "env": {"backend": "gymnasium"}},
}
"""What each kind of run changes: every algorithm on both backends, and what else has a state."""


def make_config(kind, **changes):
    return validate(RunConfig, merge(merge(BASE, KINDS[kind]), changes))


def files_of_training(folder):
    """The names and bytes of all that training leaves and that should not depend on the clock."""
    run = RunFolder(folder)
    snapshots = sorted((run.path / "attention").glob("*.npz"))
    return {path.name: path.read_bytes() for path in [run.path / "metrics.jsonl", *snapshots]}


def assert_same_run(first, second):
    """Equal weights to the last bit, equal metrics to the last byte, equal results."""
    one, other = (load_file(RunFolder(folder).policy) for folder in (first, second))
    assert one.keys() == other.keys()
    assert all(equal(one[name], other[name]) for name in one)
    assert files_of_training(first) == files_of_training(second)
