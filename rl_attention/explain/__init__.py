"""What an agent's decisions depend on, and whether a map of it tells the truth."""

from rl_attention.explain.acting import ActingOptions
from rl_attention.explain.asking import explain
from rl_attention.explain.decisions import Decisions
from rl_attention.explain.effects import Effects, measure_effects
from rl_attention.explain.explanation import Explanation, summarise
from rl_attention.explain.maps import MAPS, compute_maps
from rl_attention.explain.measuring import Measured, MeasuringOptions, measure
from rl_attention.explain.mechanism import MECHANISMS, measure_mechanisms
from rl_attention.explain.removal import REMOVALS
from rl_attention.explain.replay import make_replay
from rl_attention.explain.states import States, collect_states
from rl_attention.explain.subject import Subject
from rl_attention.explain.verdict import Verdict
from rl_attention.explain.what_if import WhatIf, ask_what_if

__all__ = [
    "MAPS",
    "MECHANISMS",
    "REMOVALS",
    "ActingOptions",
    "Decisions",
    "Effects",
    "Explanation",
    "Measured",
    "MeasuringOptions",
    "States",
    "Subject",
    "Verdict",
    "WhatIf",
    "ask_what_if",
    "collect_states",
    "compute_maps",
    "explain",
    "make_replay",
    "measure",
    "measure_effects",
    "measure_mechanisms",
    "summarise",
]
