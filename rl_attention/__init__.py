"""Attention over entities for Stable-Baselines3.

The public names load on first use, so that a command that needs no network starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rl_attention.version import __version__

if TYPE_CHECKING:
    from rl_attention.callbacks import (
        AttentionEntropyCallback,
        AttentionMapCallback,
        ResumeCallback,
    )
    from rl_attention.doctor import diagnose
    from rl_attention.extractors import (
        AttentionExtractor,
        CNNExtractor,
        MLPExtractor,
        UniformExtractor,
    )
    from rl_attention.recording import ProbeSet, Recorder
    from rl_attention.recording.record import record

__all__ = [
    "AttentionEntropyCallback",
    "AttentionExtractor",
    "AttentionMapCallback",
    "CNNExtractor",
    "MLPExtractor",
    "ProbeSet",
    "Recorder",
    "ResumeCallback",
    "UniformExtractor",
    "__version__",
    "diagnose",
    "record",
]

_HOMES = {
    "AttentionEntropyCallback": "rl_attention.callbacks",
    "AttentionExtractor": "rl_attention.extractors",
    "AttentionMapCallback": "rl_attention.callbacks",
    "CNNExtractor": "rl_attention.extractors",
    "MLPExtractor": "rl_attention.extractors",
    "ProbeSet": "rl_attention.recording",
    "Recorder": "rl_attention.recording",
    "ResumeCallback": "rl_attention.callbacks",
    "UniformExtractor": "rl_attention.extractors",
    "diagnose": "rl_attention.doctor",
    "record": "rl_attention.recording",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
