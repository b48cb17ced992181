"""Maps of what a network attended to: probes, recorder, metrics, snapshots, pictures."""

from rl_attention.recording.complete import complete
from rl_attention.recording.draw import draw
from rl_attention.recording.drawing import draw_mosaic
from rl_attention.recording.layers import label_layers
from rl_attention.recording.locate import find_extractor
from rl_attention.recording.maps import AttentionMap
from rl_attention.recording.probes import ProbeSet
from rl_attention.recording.record import record
from rl_attention.recording.recorder import Recorder
from rl_attention.recording.snapshots import (
    Snapshot,
    list_snapshots,
    read_snapshot,
    snapshot_path,
    write_snapshot,
)
from rl_attention.recording.summary import summarise
from rl_attention.recording.tokens import TokenSet, read_tokens

__all__ = [
    "AttentionMap",
    "ProbeSet",
    "Recorder",
    "Snapshot",
    "TokenSet",
    "complete",
    "draw",
    "draw_mosaic",
    "find_extractor",
    "label_layers",
    "list_snapshots",
    "read_snapshot",
    "read_tokens",
    "record",
    "snapshot_path",
    "summarise",
    "write_snapshot",
]
