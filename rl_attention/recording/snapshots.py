"""Attention maps on disk: one file for each step at which they were taken."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.files import read_arrays, write_arrays
from rl_attention.recording.maps import AttentionMap

ATTENTION_FOLDER = "attention"
_FILE_NAME = re.compile(r"step_(\d{9,})\.npz")
_PARTS = ("weights", "query_mask", "key_mask", "queries", "keys", "name")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All maps of one moment of training.

    Attributes:
        step: Environment steps taken by then.
        layers: Labelled maps, `l0`, `l1`, ..., `w0`, ...
        probes_digest: Digest of the probe set they were taken from.
    """

    step: int
    layers: Mapping[str, AttentionMap]
    probes_digest: str


def snapshot_path(run_folder: Path, step: int) -> Path:
    """Return where the snapshot of a step lies: `attention/step_000012345.npz`.

    Args:
        run_folder: The folder of the run.
        step: Environment steps.
    """
    return run_folder / ATTENTION_FOLDER / f"step_{step:09d}.npz"


def list_snapshots(run_folder: Path) -> dict[int, Path]:
    """Return the stored snapshots of a run, by step, earliest first.

    Args:
        run_folder: The folder of the run.
    """
    folder = run_folder / ATTENTION_FOLDER
    if not folder.is_dir():
        return {}
    matches = ((_FILE_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in matches if match))


def write_snapshot(run_folder: Path, snapshot: Snapshot) -> Path:
    """Store a snapshot, whole or not at all, in place of an older one of the same step.

    Args:
        run_folder: The folder of the run.
        snapshot: What to store.
    """
    path = snapshot_path(run_folder, snapshot.step)
    arrays: dict[str, NDArray[Any]] = {
        "step": np.array(snapshot.step, dtype=np.int64),
        "layers": np.array(list(snapshot.layers), dtype=np.str_),
        "probes_digest": np.array(snapshot.probes_digest, dtype=np.str_),
    }
    for label, found in snapshot.layers.items():
        arrays |= {f"{label}/{part}": np.asarray(getattr(found, part)) for part in _PARTS}
    write_arrays(path, arrays)
    return path


def read_snapshot(path: str | Path) -> Snapshot:
    """Read a stored snapshot. Nothing is unpickled.

    Args:
        path: The npz file.

    Raises:
        UserError: If the file is missing, torn, or no snapshot.
    """
    arrays = read_arrays(Path(path))
    try:
        return Snapshot(
            step=int(arrays["step"]),
            layers={str(label): _read_layer(arrays, str(label)) for label in arrays["layers"]},
            probes_digest=str(arrays["probes_digest"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not an attention snapshot ({error})") from error


def _read_layer(arrays: Mapping[str, NDArray[Any]], label: str) -> AttentionMap:
    weights, query_mask, key_mask, queries, keys, name = (arrays[f"{label}/{p}"] for p in _PARTS)
    if weights.ndim != 4 or weights.dtype != np.float32:
        raise ValueError(f"{label}: weights must be `B H Q K` float32, got {weights.shape}")
    n_rows, _, n_queries, n_keys = weights.shape
    if query_mask.shape != (n_rows, n_queries) or key_mask.shape != (n_rows, n_keys):
        raise ValueError(f"{label}: masks do not fit weights of shape {weights.shape}")
    return AttentionMap(
        name=str(name),
        weights=weights,
        queries=tuple(map(str, queries)),
        keys=tuple(map(str, keys)),
        query_mask=query_mask.astype(np.bool_),
        key_mask=key_mask.astype(np.bool_),
    )
