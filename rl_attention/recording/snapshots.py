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
_SHOWN = 200
_MASKS = ("query_mask", "key_mask")
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

    Raises:
        UserError: The folder of the snapshots is a symbolic link.
    """
    folder = run_folder / ATTENTION_FOLDER
    if folder.is_symlink():
        raise UserError(f"{folder}: expected a folder, got a symbolic link")
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
            step=int(_take(arrays, "step", "iu", ndim=0)),
            layers={str(label): _read_layer(arrays, str(label)) for label in _labels(arrays)},
            probes_digest=str(_take(arrays, "probes_digest", "U", ndim=0)),
        )
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: not an attention snapshot ({str(error)[:_SHOWN]})") from None


def _labels(arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    return _take(arrays, "layers", "U", ndim=1)


def _read_layer(arrays: Mapping[str, NDArray[Any]], label: str) -> AttentionMap:
    weights = _take(arrays, f"{label}/weights", "f", ndim=4)
    query_mask, key_mask = (_take(arrays, f"{label}/{p}", "b", ndim=2) for p in _MASKS)
    if weights.dtype != np.float32:
        raise ValueError(f"{label!r}: weights must be `B H Q K` float32, got {weights.dtype}")
    n_rows, _, n_queries, n_keys = weights.shape
    if query_mask.shape != (n_rows, n_queries) or key_mask.shape != (n_rows, n_keys):
        raise ValueError(f"{label!r}: masks do not fit weights of shape {weights.shape}")
    return AttentionMap(
        name=str(_take(arrays, f"{label}/name", "U", ndim=0)),
        weights=weights,
        queries=tuple(map(str, _take(arrays, f"{label}/queries", "U", ndim=1))),
        keys=tuple(map(str, _take(arrays, f"{label}/keys", "U", ndim=1))),
        query_mask=query_mask,
        key_mask=key_mask,
    )


def _take(arrays: Mapping[str, NDArray[Any]], name: str, kinds: str, *, ndim: int) -> NDArray[Any]:
    """Return an array if it is of the kind and has as many axes as it should."""
    array = arrays[name]
    if array.dtype.kind not in kinds or array.ndim != ndim:
        raise ValueError(f"{name!r}: an array of {array.dtype} and shape {array.shape} is no good")
    return array
