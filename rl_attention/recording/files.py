"""Files that are whole or absent, and arrays that are read without pickle."""

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError

_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place, then move it there: no reader ever sees half of it.

    Args:
        path: Where the file goes. Missing folders are made.
        write: Called with the open binary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with part.open("wb") as file:
            write(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store named arrays in one compressed npz file.

    Raises:
        UserError: If an array holds Python objects, which only pickle could store.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise UserError(f"{path}: array '{name}' holds Python objects; give numbers or text")
    named: dict[str, Any] = dict(arrays)
    write_atomically(path, lambda file: np.savez_compressed(file, **named))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read every array of an npz file; pickled ones are refused.

    Raises:
        UserError: If the file is missing, torn or holds anything but plain arrays.
    """
    try:
        # numpy leaves a torn file open, unless it is handed an open one
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise UserError(f"{path}: expected an npz file, found a single array")
            with stored:
                return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UserError:
        raise
    except _UNREADABLE as error:
        raise UserError(f"{path}: not a readable npz file of plain arrays ({error})") from error
