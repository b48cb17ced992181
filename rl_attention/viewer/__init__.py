"""An episode as one offline page: what the agent saw, did and attended to, and a test of it.

Pictures of a replay are in `rl_attention.viewer.pictures`.
"""

from rl_attention.viewer.packing import pack_frame, pack_weights, unpack_frame, unpack_weights
from rl_attention.viewer.page import render_html
from rl_attention.viewer.replay import read_replay
from rl_attention.viewer.schema import (
    Entity,
    Interval,
    Layer,
    MapMeta,
    Moment,
    Probe,
    Replay,
    Run,
    Score,
    Step,
    StepScore,
    Verdict,
    Weights,
    Without,
)

__all__ = [
    "Entity",
    "Interval",
    "Layer",
    "MapMeta",
    "Moment",
    "Probe",
    "Replay",
    "Run",
    "Score",
    "Step",
    "StepScore",
    "Verdict",
    "Weights",
    "Without",
    "pack_frame",
    "pack_weights",
    "read_replay",
    "render_html",
    "unpack_frame",
    "unpack_weights",
]
