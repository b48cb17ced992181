"""Recall: a cue, distractors, and a question that only the memory of the cue can answer."""

from rl_attention_envs.recall.making import make_recall_vec_env
from rl_attention_envs.recall.params import RecallParams
from rl_attention_envs.recall.presets import PRESETS, register
from rl_attention_envs.recall.probes import make_recall_probes
from rl_attention_envs.recall.symbols import TYPES, action_names
from rl_attention_envs.recall.views import RECALL_VIEWS

__all__ = [
    "PRESETS",
    "RECALL_VIEWS",
    "TYPES",
    "RecallParams",
    "action_names",
    "make_recall_probes",
    "make_recall_vec_env",
]

register()
