"""Reading a checkpoint only if all of it is what was committed."""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from rl_attention.checkpoints.manifest import (
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    CheckpointError,
    Manifest,
    Stored,
    decode,
)

ASIDE = ".old"
_FOLDER = re.compile(rf"step_([0-9]{{12}})({re.escape(ASIDE)})?")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Checkpoint:
    """One stored state of a run.

    Attributes:
        step: Frames that the run had seen.
        path: Its folder.
        notes: The plain JSON that was given when it was committed.
        score: How good the policy was, if anybody measured it.
        names: The files that it consists of, without its manifest.
    """

    step: int
    path: Path
    notes: dict[str, Any]
    score: float | None
    names: tuple[str, ...]

    def file(self, name: str) -> Path:
        """Give the path of one of its files.

        Raises:
            CheckpointError: The manifest does not list it.
        """
        if name not in self.names:
            listed = ", ".join(self.names) or "none"
            raise CheckpointError(
                f"{self.path}: expected one of its files ({listed}), got '{name}'"
            )
        return self.path / name


def step_of(name: str) -> int | None:
    """Give the step that a folder's name says, or None if it is not a checkpoint's name."""
    found = _FOLDER.fullmatch(name)
    return int(found[1]) if found else None


def read_checkpoint(path: Path, *, contents: bool = True) -> Checkpoint:
    """Read a checkpoint's manifest and compare all its files with it.

    Args:
        path: Its folder.
        contents: Without, the manifest is believed and the files are not looked at.

    Raises:
        CheckpointError: It is not what was committed.
        OSError: It could not be read, so nobody knows.
    """
    try:
        names = _list_files(path)
        manifest = _read_manifest(path, names)
        if contents:
            _compare_names(manifest.files, names)
            for name, stored in manifest.files.items():
                _compare_file(path / name, stored)
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return Checkpoint(manifest.step, path, manifest.notes, manifest.score, tuple(manifest.files))


def _list_files(path: Path) -> set[str]:
    mode = path.lstat().st_mode
    if not stat.S_ISDIR(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "something else"
        raise ValueError(f"expected a folder, got {what}")
    with os.scandir(path) as entries:
        listed = list(islice(entries, MAX_FILES + 2))
    if len(listed) > MAX_FILES + 1:
        raise ValueError(f"expected at most {MAX_FILES} files and a manifest, got more")
    for entry in listed:
        if not entry.is_file(follow_symlinks=False):
            raise ValueError(f"expected regular files only, '{entry.name}' is something else")
    return {entry.name for entry in listed}


def _read_manifest(path: Path, names: set[str]) -> Manifest:
    if MANIFEST not in names:
        raise ValueError(f"{MANIFEST} is missing")
    with _open(path / MANIFEST) as file:
        raw = file.read(MAX_MANIFEST_BYTES + 1)
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ValueError(f"expected a manifest of at most {MAX_MANIFEST_BYTES} bytes, got more")
    manifest = decode(raw)
    if manifest.step != step_of(path.name):
        raise ValueError(f"expected the folder's step in the manifest, got {manifest.step}")
    return manifest


def _compare_names(expected: Iterable[str], found: set[str]) -> None:
    wanted = {MANIFEST, *expected}
    if missing := sorted(wanted - found):
        raise ValueError(f"{missing[0]} is missing")
    if stray := sorted(found - wanted):
        raise ValueError(f"'{stray[0]}' is not in the manifest")


def _compare_file(path: Path, stored: Stored) -> None:
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != stored.size:
            raise ValueError(f"expected {stored.size} bytes in {path.name}, got {size}")
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != stored.sha256:
        raise ValueError(f"{path.name} has other bytes than were written (its sha256 differs)")


def _open(path: Path) -> BinaryIO:
    # the flag: a link put there since the folder was listed is not followed
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
