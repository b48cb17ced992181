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
    from rl_attention.exchange import load_extractor, save_extractor
    from rl_attention.exporting import export_onnx
    from rl_attention.extractors import (
        AttentionExtractor,
        CNNExtractor,
        MLPExtractor,
        UniformExtractor,
    )
    from rl_attention.recording import ProbeSet, Recorder
    from rl_attention.recording.draw import draw
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
    "draw",
    "export_onnx",
    "load_extractor",
    "record",
    "save_extractor",
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
    "draw": "rl_attention.recording",
    "export_onnx": "rl_attention.exporting",
    "load_extractor": "rl_attention.exchange",
    "record": "rl_attention.recording",
    "save_extractor": "rl_attention.exchange",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
