"""Files as somebody would make them who means ill."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
from numpy.lib import format as npy

BILLION = 10**9


class Payload:
    """What makes a folder where it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(marker):
    return pickle.dumps(Payload(marker))


def object_array(marker):
    array = np.empty((), dtype=object)
    array[()] = Payload(marker)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npy_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_header(shape, descr="<f4"):
    """An array's header alone, which may say anything."""
    buffer = io.BytesIO()
    npy.write_array_header_1_0(
        buffer, {"descr": descr, "fortran_order": False, "shape": tuple(shape)}
    )
    return buffer.getvalue()


def npy_with_header(text):
    body = text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body


def arrays_of(path):
    """The members of an npz file, as bytes."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_member(path, name, content):
    zip_of(path, {**arrays_of(path), name: content})


def bomb(path, *, name="observations.npy", megabytes=600):
    """A real array of zeros, a thousandth of its size in the file."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(npy_header([megabytes << 20], "|u1"))
        for _ in range(megabytes):
            member.write(bytes(1 << 20))


def lying_sizes(path, size):
    """An npz file whose directory says that its array is far larger than it is."""
    zip_of(path, {"observations.npy": npy_bytes(np.zeros(4, np.float32))})
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<L", raw, at + 24, size)
    path.write_bytes(raw)


def large_directory(path, count=200_000):
    """A zip file that is directory nearly throughout."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 16)
    directory = entry * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)
    path.write_bytes(directory + end)


def tensors_of(path):
    """Header and data of a safetensors file."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write_tensors(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def deep_json(depth=200_000):
    return "[" * depth + "]" * depth
