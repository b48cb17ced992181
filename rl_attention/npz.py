"""Reading npz files that anyone may have made: everything is checked before it is read."""

import math
import struct
import warnings
import zipfile
from typing import Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_BYTES = 1 << 30
"""Of a file, and of all its arrays together, unless a reader says otherwise."""

MAX_ARRAYS = 4096
MAX_RATIO = 200
"""How far the arrays may shrink in the file, where there is more than `ANY_RATIO` bytes of them."""

ANY_RATIO = 64 << 20

_END, _END_MARK = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LOCATOR, _LOCATOR_MARK = struct.Struct("<4sLQL"), b"PK\x06\x07"
_WIDE_END, _WIDE_END_MARK = struct.Struct("<4sQ2H2L4Q"), b"PK\x06\x06"
_TAIL = struct.Struct(f"{_WIDE_END.size}s{_LOCATOR.size}s{_END.size}s")
_MAX_DIRECTORY = 1 << 20
_MAX_EMPTY = 1 << 20
_KINDS = "biufcSU"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(file: BinaryIO, *, limit: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Read every array of an npz file. Nothing is unpickled, and no more is read than is there.

    Args:
        file: The open file.
        limit: Most bytes of all arrays together.

    Raises:
        ValueError: It is too large, or holds anything but plain arrays. Damaged bytes make zipfile
            and numpy raise nearly anything else.
    """
    size = _check_end(file)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_members(members, size, limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy mends headers of Python 2, and says so
            for member in members:
                _check_array(archive, member)
        return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}


def _check_end(file: BinaryIO) -> int:
    """Look at the end of the file, where the directory's size stands: zipfile reads it whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL.size))
    wide, locator, end = _TAIL.unpack(file.read().rjust(_TAIL.size, b"\0"))
    mark, *_, directory, _, comment = _END.unpack(end)
    if mark != _END_MARK or comment:
        raise ValueError("expected a zip file, got something else or half a file")
    locator_mark, _, place, _ = _LOCATOR.unpack(locator)
    if locator_mark == _LOCATOR_MARK:  # of a file above 2 GiB
        mark, *_, directory, _ = _WIDE_END.unpack(wide)
        if mark != _WIDE_END_MARK or place != size - _TAIL.size:
            raise ValueError("the zip file has two ends")
    if directory > _MAX_DIRECTORY:
        raise ValueError("the zip file's directory is too large")
    return size


def _check_members(members: list[zipfile.ZipInfo], size: int, limit: int) -> None:
    names = {member.filename for member in members}
    if len(members) > MAX_ARRAYS or len(names) < len(members):
        raise ValueError(f"expected at most {MAX_ARRAYS} arrays, each of its own name")
    for member in members:
        _check_name(member.filename)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename!r} is compressed in an unusual way")
    total = sum(member.file_size for member in members)
    if total > limit or (total > ANY_RATIO and total > MAX_RATIO * size):
        raise ValueError(f"its {size:,} bytes would become {total:,}, which is too much")


def _check_name(name: str) -> None:
    """Refuse names that lead elsewhere: nothing is unpacked here, but others may."""
    parts = name.replace("\\", "/").split("/")
    if not name.endswith(".npy") or ".." in parts or not parts[0]:
        raise ValueError(f"expected names of arrays, got {name[:60]!r}")


def _check_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Compare what an array's header says with the bytes that are there."""
    name = member.filename[:60]
    with archive.open(member) as file:
        version = npy.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name!r} has a header of an unknown version")
        shape, _, dtype = _HEADERS[version](file)
        there = member.file_size - file.tell()
    if dtype.hasobject:
        raise ValueError(f"{name!r} holds pickled Python objects, which are never opened")
    if dtype.kind not in _KINDS or dtype.subdtype is not None or min(shape, default=0) < 0:
        raise ValueError(f"{name!r} holds neither numbers nor text")
    count = math.prod(shape)
    # an array without elements may still be long along another axis
    length = math.prod(max(1, axis) for axis in shape)
    if count * dtype.itemsize != there or length > max(there, _MAX_EMPTY):
        raise ValueError(f"{name!r} says it has another size than the {there:,} bytes it holds")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return array
