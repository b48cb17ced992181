"""Tiny imitations."""

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.validation import validate

LEVEL = "BabyAI-GoToLocal-v0"
BASE = {
    "env": {"id": LEVEL, "n_envs": 4},
    "extractor": {"width": 8, "n_heads": 2, "features_dim": 8, "feedforward": 8},
    "net_arch": [8],
    "hyperparams": {"n_steps": 16},
    "imitation": {"labels": 70, "held_out": 40, "n_epochs": 2, "batch_size": 32},
    "eval": {"n_episodes": 4, "deterministic": False},
    "recording": {"snapshots": 2, "n_probes": 1, "faithfulness": False},
    "device": "cpu",
    "num_threads": 1,
}
DAGGER = {"imitation": {"method": "dagger", "labels": 140, "rounds": 2}}
"""Its first round has the labels of the cloning above."""


def imitation(**changes):
    return validate(RunConfig, merge(BASE, changes))
