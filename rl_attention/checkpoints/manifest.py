"""What a checkpoint says of itself: names, sizes and hashes of its files, and a hash of that."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rl_attention.errors import UserError

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_FILES = 64
MAX_STEP = 10**12 - 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEYS = {"format", "step", "score", "notes", "files", "sha256"}


class CheckpointError(UserError):
    """A checkpoint that cannot be written, or that is not what was committed."""


class CheckpointWarning(UserWarning):
    """A checkpoint was passed over or removed because it is not what was committed."""


@dataclass(frozen=True)
class Stored:
    """What a file has to be.

    Attributes:
        size: Its length in bytes.
        sha256: The hash of its bytes, in hexadecimal digits.
    """

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``.

    Attributes:
        step: Frames that the run had seen.
        files: Every other file of the checkpoint, by name.
        notes: Plain JSON that the caller wanted to keep.
        score: How good the policy was, if anybody measured it.
    """

    step: int
    files: Mapping[str, Stored]
    notes: dict[str, Any]
    score: float | None

    def encode(self) -> bytes:
        """Give the only bytes that `decode` takes for this manifest.

        Raises:
            ValueError: They would be more than a manifest may have.
        """
        body = {
            "format": FORMAT,
            "step": self.step,
            "score": self.score,
            "notes": self.notes,
            "files": {
                name: {"size": one.size, "sha256": one.sha256} for name, one in self.files.items()
            },
        }
        digest = hashlib.sha256(_dumps(body).encode()).hexdigest()
        raw = _dumps({**body, "sha256": digest}).encode() + b"\n"
        if len(raw) > MAX_MANIFEST_BYTES:
            raise ValueError(
                f"expected a manifest of at most {MAX_MANIFEST_BYTES} bytes, got {len(raw)}; "
                "put less into the notes"
            )
        return raw


def decode(raw: bytes) -> Manifest:
    """Read a manifest.

    Args:
        raw: All bytes of the file.

    Raises:
        ValueError: They are not exactly what `Manifest.encode` gives.
    """
    try:
        data = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise ValueError("the manifest is no JSON, or half a file") from None
    if not isinstance(data, dict) or "format" not in data:
        raise ValueError("the manifest is not one of a checkpoint")
    if data["format"] != FORMAT:
        raise ValueError(
            f"expected a checkpoint of format {FORMAT}, got {str(data['format'])[:40]}"
        )
    manifest = _checked(data)
    # writing it again finds what a hash of the parsed values would miss: spaces, keys given twice
    try:
        whole = manifest.encode() == raw
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise ValueError("the manifest has other bytes than were written (its sha256 differs)")
    return manifest


def check_names(names: Iterable[object]) -> None:
    """Refuse names that could lead out of the checkpoint's folder, or too many of them.

    Raises:
        ValueError: A name is not a plain one, or there are more than `MAX_FILES`.
    """
    given = list(names)
    if len(given) > MAX_FILES:
        raise ValueError(f"expected at most {MAX_FILES} files, got {len(given)}")
    for name in given:
        plain = isinstance(name, str) and _NAME.fullmatch(name)
        if not plain or str(name).lower() == MANIFEST:
            raise ValueError(
                f"expected a plain file name of letters, digits and '._-', other than {MANIFEST}, "
                f"got {str(name)[:80]!r}"
            )


def check_step(step: object) -> int:
    """Return the step if a folder can be named after it.

    Raises:
        ValueError: It is no whole number of at most twelve digits.
    """
    if type(step) is not int or not 0 <= step <= MAX_STEP:
        raise ValueError(f"expected a step from 0 to {MAX_STEP}, got {str(step)[:40]}")
    return step


def check_score(score: object) -> float | None:
    """Return the score as a float, or None.

    Raises:
        ValueError: It is no finite number.
    """
    if score is None:
        return None
    try:
        number = float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a finite score, got {str(score)[:40]}")
    return number


def plain_notes(notes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Copy notes into what reading them back will give.

    Raises:
        ValueError: Reading them back would give something else.
    """
    given = dict(notes or {})
    try:
        copy: dict[str, Any] = json.loads(_dumps(given))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected notes of plain JSON, got something else ({error})") from None
    if copy != given:
        raise ValueError("expected notes of plain JSON (lists, and text as keys)")
    return copy


def _checked(data: dict[str, Any]) -> Manifest:
    if data.keys() != _KEYS or not isinstance(data["notes"], dict):
        raise ValueError("the manifest has other keys or values than those of a checkpoint")
    files = data["files"]
    if not isinstance(files, dict):
        raise ValueError("the manifest lists no files")
    check_names(files)
    stored = {name: _stored(name, entry) for name, entry in files.items()}
    return Manifest(check_step(data["step"]), stored, data["notes"], check_score(data["score"]))


def _stored(name: str, entry: object) -> Stored:
    if isinstance(entry, dict) and entry.keys() == {"size", "sha256"}:
        size, sha256 = entry["size"], entry["sha256"]
        right = type(size) is int and size >= 0
        if right and isinstance(sha256, str) and _SHA256.fullmatch(sha256):
            return Stored(size, sha256)
    raise ValueError(f"the manifest gives no size and sha256 for '{name}'")


def _dumps(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, allow_nan=False)
