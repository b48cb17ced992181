"""Files that are whole or absent, and that are read without unpickling anything."""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.npz import MAX_BYTES, read_npz

MAX_JSON_BYTES = 8 << 20
MAX_TENSOR_HEADER = 4 << 20
"""Of a safetensors file; some 30,000 tensors."""

_SHOWN = 200


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], *, durable: bool = True
) -> None:
    """Write a file beside its place, then move it there: no reader ever sees half of it.

    Args:
        path: Where the file goes. Missing folders are made.
        write: Called with the open binary file.
        durable: Wait until it is on the disk, so that a power cut leaves it whole too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        part.unlink(missing_ok=True)
        with part.open("xb") as file:  # never through a link that lies there
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def open_plain(path: Path, *, limit: int) -> Iterator[BinaryIO]:
    """Open a file of a folder that anyone may have made.

    Args:
        path: The file.
        limit: Most bytes that it may have.

    Raises:
        UserError: It is not there, too large, or no plain file but a link, a pipe or a device.
    """
    with ExitStack() as stack:
        try:
            if path.is_symlink():
                raise UserError(
                    f"{path}: expected a file, got a symbolic link, which may lead out of its "
                    "folder; put the file itself there"
                )
            file = stack.enter_context(open(path, "rb", opener=_open_at_once))
        except FileNotFoundError:
            raise UserError(f"{path}: cannot be read (no such file)") from None
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path}: expected a file, got a pipe or a device")
        if status.st_size > limit:
            raise UserError(f"{path}: expected at most {limit:,} bytes, got {status.st_size:,}")
        yield file


def _open_at_once(path: str, flags: int) -> int:
    # a link is not followed, and a pipe keeps nobody waiting; Windows knows neither
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Store text, whole or not at all; see `write_atomically`."""
    write_atomically(path, lambda file: file.write(text.encode()), durable=durable)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data as JSON, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.

    Raises:
        UserError: The file is a link, too large, cannot be read or holds no JSON object.
    """
    with open_plain(path, limit=MAX_JSON_BYTES) as file:
        raw = file.read(MAX_JSON_BYTES)
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: expected JSON, got something else or half a file") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store named arrays in one compressed npz file.

    Raises:
        UserError: If an array holds Python objects, which only pickle could store, or there is
            more than `read_arrays` would read.
    """
    if sum(array.nbytes for array in arrays.values()) > MAX_BYTES:
        raise UserError(f"{path}: expected at most {MAX_BYTES:,} bytes of arrays, got more")
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise UserError(f"{path}: array '{name}' holds Python objects; give numbers or text")
    named: dict[str, Any] = dict(arrays)
    write_atomically(path, lambda file: np.savez_compressed(file, **named))


def read_arrays(path: Path, *, limit: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Read every array of an npz file; pickled ones are refused.

    Args:
        path: The file.
        limit: Most bytes of the file, and of all its arrays together.

    Raises:
        UserError: If the file is a link, too large, missing, torn or holds anything but plain
            arrays.
    """
    with open_plain(path, limit=limit) as file:
        try:
            return read_npz(file, limit=limit)
        except Exception as error:  # no list says what damaged bytes make the libraries raise
            reason = next(iter(str(error).splitlines()), type(error).__name__)[:_SHOWN]
            raise UserError(f"{path}: not a readable npz file of plain arrays ({reason})") from None


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON though Python's reader takes them."""
    raise ValueError(name)


def check_tensor_file(path: Path, *, limit: int) -> int:
    """Check that a safetensors file may be opened: the library reads its header whole.

    Args:
        path: The file.
        limit: Most bytes that it may have.

    Returns:
        Its size in bytes.

    Raises:
        UserError: It is a link, too large, or cannot hold tensors.
    """
    with open_plain(path, limit=limit) as file:
        header = int.from_bytes(file.read(8), "little")
        size = file.seek(0, 2)
    if header > min(MAX_TENSOR_HEADER, size):
        raise UserError(f"{path}: expected saved tensors, got something else or half a file")
    return size
