"""Arrays that say what is not so, and files that are damaged anywhere."""

import io
import struct
import tracemalloc
import zipfile

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opening import complaint

from rl_attention import npz
from rl_attention.errors import UserError
from rl_attention.files import read_arrays, write_arrays
from rl_attention.recording import ProbeSet, read_snapshot

BILLION = hostile.BILLION
GOOD = {
    "observations/entities": np.arange(24).reshape(2, 4, 3),
    "observations/mask": np.ones((2, 4), bool),
    "words": np.array([["go", "left"], ["go", ""]]),
    "nothing": np.zeros((2, 0, 4), np.float32),
    "turned": np.asfortranarray(np.eye(3)),
    "step": np.array(7),
}


def as_bytes(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


WHOLE = as_bytes(GOOD)


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, GOOD)
    back = read_arrays(path)
    assert list(back) == list(GOOD)
    for name, array in GOOD.items():
        assert back[name].dtype == array.dtype
        assert back[name].flags.writeable
        np.testing.assert_array_equal(back[name], array)


HEADERS = {
    "a billion tokens": hostile.npy_header([BILLION, 64]),
    "a billion rows of nothing": hostile.npy_header([BILLION, 0]),
    "a billion empty texts": hostile.npy_header([BILLION], "<U0"),
    "a size that overflows": hostile.npy_header([2**40, 2**40]),
    "a negative size": hostile.npy_header([-1, -4]),
    "a long text": hostile.npy_header([1], "<U1000000000"),
    "fewer bytes than are there": hostile.npy_header([1]) + bytes(400),
    "objects": hostile.npy_header([1], "|O") + bytes(8),
    "fields": hostile.npy_header([1], [("a", "<f4"), ("b", "|O")]) + bytes(12),
    "plain fields": hostile.npy_header([1], [("a", "<f4")]) + bytes(4),
    "dates": hostile.npy_header([1], "<M8[s]") + bytes(8),
    "bytes without a kind": hostile.npy_header([1], "|V8") + bytes(8),
    "rows within a type": hostile.npy_header([1], ("<f4", (BILLION,))),
    "a name for a type": hostile.npy_header([1], "os.system"),
    "code": hostile.npy_with_header("__import__('os').system('true')\n"),
    "deep brackets": hostile.npy_with_header("(" * 9000),
    "deep minus signs": hostile.npy_with_header("-" * 9000 + "1"),
    "a long header": hostile.npy_with_header("{" + " " * 60_000 + "}"),
    "numbers of Python 2": hostile.npy_with_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }\n"
    )
    + bytes(4),
    "an unknown version": b"\x93NUMPY\x03\x00" + bytes(200),
    "no header": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("content", [pytest.param(c, id=name) for name, c in HEADERS.items()])
def test_a_header_must_tell_the_truth(tmp_path, content):
    path = tmp_path / "a.npz"
    hostile.zip_of(path, {"observations.npy": content})
    refused(path)


@pytest.mark.parametrize(
    "name", ["../../x.npy", "/etc/x.npy", "a/../../x.npy", "..\\x.npy", "x.txt", "observations"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    path = tmp_path / "a.npz"
    hostile.zip_of(path, {name: hostile.npy_bytes(np.zeros(2))})
    refused(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


def test_a_name_may_stand_once(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("observations.npy", hostile.npy_bytes(np.zeros(2)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("observations.npy", hostile.npy_bytes(np.zeros(2)))
    refused(path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(hostile.bomb, id="a bomb"),
        pytest.param(lambda path: hostile.lying_sizes(path, 2**31), id="a size that is not so"),
        pytest.param(lambda path: hostile.lying_sizes(path, 10), id="a size that is too small"),
        pytest.param(hostile.large_directory, id="a large directory"),
        pytest.param(
            lambda path: hostile.zip_of(path, {f"{i}.npy": b"" for i in range(5000)}),
            id="many arrays",
        ),
    ],
)
def test_large_claims_cost_no_memory(tmp_path, make):
    path = tmp_path / "a.npz"
    make(path)
    refused(path)


def test_a_bomb_within_a_bomb_is_no_array(tmp_path):
    path = tmp_path / "a.npz"
    hostile.bomb(path, megabytes=70)
    hostile.zip_of(path, {"observations.npy": path.read_bytes()})
    refused(path)


def test_a_sparse_file_is_too_large(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    assert "at most" in refused(path)


def test_other_compressions_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("observations.npy", hostile.npy_bytes(np.zeros(2)))
    refused(path)


def widened(*, directory=None, place=None):
    """The good file as one above 2 GiB would end: its directory's size stands in a wide record."""
    end = WHOLE.rindex(b"PK\x05\x06")
    *_, count, size, start, _ = struct.unpack("<4s4H2LH", WHOLE[end:])
    place = end if place is None else place
    size = size if directory is None else directory
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    return WHOLE[:end] + wide + struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1) + WHOLE[end:]


def test_a_file_above_2_gib_can_be_read(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(widened())
    assert list(read_arrays(path)) == list(GOOD)


@pytest.mark.parametrize("changes", [{"directory": 2**40}, {"directory": 2**20 + 1}, {"place": 0}])
def test_a_wide_end_must_be_right(tmp_path, changes):
    path = tmp_path / "a.npz"
    path.write_bytes(widened(**changes))
    refused(path)


def test_a_reader_can_set_the_limit(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.zeros(10_000, np.uint8)})
    assert read_arrays(path, limit=10_500)
    with pytest.raises(UserError, match="would become 10,"):
        read_arrays(path, limit=9_000)


def test_well_packed_arrays_are_no_bomb(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.zeros(npz.ANY_RATIO - 200, np.uint8)})
    assert read_arrays(path)["a"].nbytes == npz.ANY_RATIO - 200


def test_more_than_can_be_read_is_not_written(tmp_path):
    huge = np.broadcast_to(np.uint8(0), npz.MAX_BYTES + 1)
    with pytest.raises(UserError, match="bytes of arrays"):
        write_arrays(tmp_path / "a.npz", {"a": huge})
    assert not list(tmp_path.iterdir())


def test_a_temporary_link_is_not_written_through(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 1)
    (tmp_path / ".a.npz.1.tmp").symlink_to(tmp_path / "other")
    write_arrays(tmp_path / "a.npz", GOOD)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def refused(path):
    """Refused in one line, by every reader, and without much memory."""
    tracemalloc.start()
    try:
        for read in (read_arrays, ProbeSet.load, read_snapshot):
            with pytest.raises(UserError, match=path.name) as caught:
                read(path)
            line = str(caught.value)
            assert "\n" not in line
            assert len(line) < len(str(path)) + 400
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    return line


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4
    ),
    cut=st.integers(0, len(WHOLE)),
    cuts=st.booleans(),
)
def test_any_damage_is_read_or_one_refusal(tmp_path, changes, cut, cuts):
    raw = bytearray(WHOLE)
    for place, value in changes:
        raw[place] = value
    path = tmp_path / "a.npz"
    path.write_bytes(raw[:cut] if cuts else raw)
    for read in (read_arrays, ProbeSet.load, read_snapshot):
        assert "\n" not in (complaint(read, path) or "")


shapes = st.lists(st.integers(0, 3), max_size=5).map(tuple)
arrays = st.one_of(
    *(
        shapes.map(lambda shape, kind=kind: np.ones(shape, kind))
        for kind in ("?", "i8", "u1", "f4", "f8", "c8", "U3", "S2")
    )
)
NAMES = [
    *("observations", "observations/a", "frames", "boxes", "types", "labels", "agent_boxes"),
    *("words", "missions", "names", "step", "layers", "probes_digest"),
    *(f"1/{part}" for part in ("weights", "query_mask", "key_mask", "queries", "keys", "name")),
]


@given(found=st.dictionaries(st.sampled_from(NAMES), arrays, max_size=9))
def test_any_arrays_are_probes_a_snapshot_or_one_refusal(tmp_path, found):
    path = tmp_path / "a.npz"
    write_arrays(path, found)
    for read in (ProbeSet.load, read_snapshot):
        assert "\n" not in (complaint(read, path) or "")
