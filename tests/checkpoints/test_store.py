import array
import io
import math
import os
import tracemalloc
import zipfile
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from store_parts import assert_whole, body_of, exit_code, folder_name, names, put

from rl_attention.checkpoints import CheckpointError, CheckpointStore
from rl_attention.errors import UserError

MANIFESTS = ["manifest.json", "Manifest.JSON"]


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints")


def steps(store):
    return [int(name.removeprefix("step_")) for name in names(store.folder)]


def test_round_trip(store):
    assert store.newest() is None
    assert store.best() is None
    given = put(store, 12345, score=0.5)
    assert given.path == store.folder / "step_000000012345"
    for found in (store.newest(), store.best(), CheckpointStore(store.folder).newest()):
        assert found == given
        assert (found.step, found.notes["token"], found.score) == (12345, 12345, 0.5)
        assert_whole(found)
    assert body_of(given.path / "manifest.json")["format"] == 1


def test_a_file_that_is_not_listed_is_refused(store):
    with pytest.raises(CheckpointError, match=r"step_000000000001.*state\.json.*'manifest\.json'"):
        put(store, 1).file("manifest.json")
    assert issubclass(CheckpointError, UserError)


def test_newest_up_to_a_step(store):
    for step in (5, 10):
        put(store, step)
    assert store.newest(up_to=10).step == 10
    assert store.newest(up_to=9).step == 5
    assert store.newest(up_to=4) is None


def test_the_newest_and_the_best_stay(store):
    for step, score in ((1, 2.0), (2, 1.0), (3, None), (4, 1.5), (5, -1.0)):
        put(store, step, score=score)
    assert steps(store) == [1, 4, 5]
    assert store.best().step == 1
    put(store, 6, score=2.0)  # of equal ones the later
    assert steps(store) == [5, 6]
    assert store.best().step == 6


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_keep(tmp_path, keep):
    store = CheckpointStore(tmp_path, keep=keep)
    for step in range(5):
        put(store, step)
    assert steps(store) == list(range(5))[-keep:]
    assert store.best() is None


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        CheckpointStore(tmp_path, keep=0)


def test_an_older_step_is_not_pruned_by_its_own_commit(store):
    for step in (10, 20):
        put(store, step)
    assert put(store, 5).path.is_dir()
    assert steps(store) == [5, 10, 20]


def test_the_same_step_again_replaces(store):
    put(store, 1)
    put(store, 2, score=9.0)
    put(store, 2, token=22, score=1.0)
    assert steps(store) == [1, 2]
    assert store.newest().notes["token"] == 22
    assert store.best().score == 1.0
    assert_whole(store.newest())


def test_what_was_moved_aside_is_not_the_best(store):
    put(store, 2, score=9.0)
    os.rename(store.folder / folder_name(2), store.folder.with_name("replaced"))
    put(store, 2, token=22, score=1.0)
    os.rename(store.folder.with_name("replaced"), store.folder / f"{folder_name(2)}.old")
    assert store.best().score == 1.0
    assert store.newest().notes["token"] == 22


def test_drop_after(store):
    store.drop_after(3)  # nothing there yet
    for step in (1, 2, 3):
        put(store, step, score=float(-step))
    store.drop_after(3)
    assert steps(store) == [1, 2, 3]
    store.drop_after(1)
    assert steps(store) == [1]
    store.drop_after(0)
    assert steps(store) == []
    assert store.newest() is None


def test_the_folder_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(CheckpointStore(tmp_path / "link"), 1)
    assert_whole(CheckpointStore(tmp_path / "link").newest())
    assert names(tmp_path / "real") == [folder_name(1)]


def test_only_leftovers_of_dead_processes_are_cleared(store):
    put(store, 1)
    dead = 999_999_999  # more than any system gives
    alive = f".tmp-{os.getppid()}-ab"
    for name in (f".tmp-{dead}-ab", f".tmp-{os.getpid()}-ab", alive, ".tmp-x", "step_7", "notes"):
        (store.folder / name).mkdir()
        (store.folder / name / "half").touch()
    put(store, 2)
    assert set(names(store.folder)) == {alive, ".tmp-x", "step_7", "notes"} | {
        folder_name(step) for step in (1, 2)
    }
    assert store.newest().step == 2


def test_a_process_of_another_user_is_alive(store, monkeypatch):
    def kill(pid, signal):
        raise PermissionError

    put(store, 1)
    (store.folder / ".tmp-77-ab").mkdir()
    monkeypatch.setattr(os, "kill", kill)
    put(store, 2)
    assert ".tmp-77-ab" in names(store.folder)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".x",
        "../x",
        "/x",
        "a/b",
        "a\\b",
        "a\0",
        "a\n",
        "a b",
        "ä",
        "x" * 129,
        3,
        *MANIFESTS,
    ],
)
def test_names_that_are_not_plain_are_refused(store, name):
    with pytest.raises(ValueError, match="plain file name"):
        store.commit(1, {name: lambda file: None})
    assert not store.folder.exists()


def test_too_many_files_are_refused(store):
    store.commit(1, {f"f{i}": lambda file: None for i in range(64)})
    assert len(store.newest().names) == 64
    with pytest.raises(ValueError, match="at most 64 files, got 65"):
        store.commit(2, {f"f{i}": lambda file: None for i in range(65)})
    assert steps(store) == [1]


@pytest.mark.parametrize("step", [-1, 10**12, 1.0, True, "1", None])
def test_steps_that_name_no_folder_are_refused(store, step):
    with pytest.raises(ValueError, match="expected a step"):
        store.commit(step, {})


def test_the_last_step(store):
    put(store, 10**12 - 1)
    assert store.newest().step == 10**12 - 1


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, "high", 10**400])
def test_scores_that_cannot_be_compared_are_refused(store, score):
    with pytest.raises(ValueError, match="finite score"):
        put(store, 1, score=score)


def test_numbers_of_numpy_are_scores(store):
    put(store, 1, score=np.float32(0.5))
    assert store.newest().score == 0.5


@pytest.mark.parametrize(
    "notes", [{"a": math.nan}, {"a": {1}}, {"a": (1,)}, {1: 2}, {1: 2, "1": 3}, {"a": object()}]
)
def test_notes_that_would_come_back_changed_are_refused(store, notes):
    with pytest.raises(ValueError, match="plain JSON"):
        store.commit(1, {}, notes=notes)


def test_notes_are_copied(store):
    notes = {"a": [1, 2.5, None, True, "ä\ud800", {"b": -0.0}], "z": 1e-300, "c": 2**70}
    given = store.commit(1, {}, notes=notes)
    notes["a"].clear()
    assert given == store.newest()
    assert len(given.notes["a"]) == 6


def test_notes_that_are_too_long_are_refused(store):
    put(store, 1)
    with pytest.raises(ValueError, match="put less into the notes"):
        store.commit(2, {}, notes={"a": "x" * (1 << 20)})
    assert names(store.folder) == [folder_name(1)]


def test_writers_of_zip_files_and_of_arrays(store):
    numbers = np.arange(10_000.0)
    files = {
        "a.npz": lambda file: np.savez_compressed(file, numbers=numbers),
        "b.npy": lambda file: np.save(file, numbers),
        "c.pt": lambda file: torch.save({"numbers": torch.arange(10)}, file),
        "d": lambda file: file.write(array.array("d", [1.0, 2.0])),
        "e": lambda file: file.writelines([b"1", b"2"]),
    }
    found = store.commit(1, files)
    assert store.newest() == found
    with np.load(found.file("a.npz")) as stored:
        assert np.array_equal(stored["numbers"], numbers)
    assert np.array_equal(np.load(found.file("b.npy")), numbers)
    assert torch.load(found.file("c.pt"), weights_only=True)["numbers"].tolist() == list(range(10))
    assert zipfile.is_zipfile(found.file("c.pt"))
    assert found.file("d").stat().st_size == 16
    assert found.file("e").read_bytes() == b"12"


def test_a_writer_cannot_go_back(store):
    put(store, 1)
    for wrong in (lambda file: file.seek(0), lambda file: file.read()):
        with pytest.raises(CheckpointError, match="step 2 could not be stored"):
            store.commit(2, {"a": wrong})
    assert names(store.folder) == [folder_name(1)]


def test_a_writer_may_close_the_file(store):
    def write(file):
        with io.TextIOWrapper(file) as text:
            text.write("whole")

    assert store.commit(1, {"a": write}) == store.newest()
    assert store.newest().file("a").read_bytes() == b"whole"


def test_large_files_are_never_in_memory(store):
    block = bytes(1 << 20)
    tracemalloc.start()
    try:
        store.commit(1, {"replay": lambda file: file.writelines([block] * 64)})
        assert store.newest().file("replay").stat().st_size == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_every_point_comes_before_and_after(tmp_path):
    points = []
    store = CheckpointStore(tmp_path / "new", keep=1, reached=points.append)
    store.commit(1, {"a": lambda file: None})
    plain = ["make folder", "make temporary folder", "write a", "fsync a", "write manifest.json"]
    plain += ["fsync manifest.json", "fsync folder", "rename", "fsync parent"]
    assert points == [f"{when} {what}" for what in plain for when in ("before", "after")]
    points.clear()
    store.commit(2, {"a": lambda file: None})
    pruned = [*plain[1:], f"prune {folder_name(1)}", f"delete {folder_name(1)}"]
    assert points == [f"{when} {what}" for what in pruned for when in ("before", "after")]
    points.clear()
    store.drop_after(0)
    dropped = [f"drop {folder_name(2)}", f"delete {folder_name(2)}", "fsync parent"]
    assert points == [f"{when} {what}" for what in dropped for when in ("before", "after")]


def test_disk_order(store, monkeypatch):
    # what a power cut may undo: only what no later step relies on
    events = []

    def watch(name, describe):
        real = getattr(os, name)

        def watched(*args, **options):
            events.append((name, *describe(*args)))
            return real(*args, **options)

        monkeypatch.setattr(os, name, watched)

    put(store, 1)
    put(store, 2)
    watch("fsync", lambda handle: [os.fstat(handle).st_ino, os.fstat(handle).st_size])
    watch("rename", lambda source, target: [source.name[:5], target.name[:5]])
    found = put(store, 3)
    written = [found.file(name) for name in found.names] + [found.path / "manifest.json"]
    assert events == [
        *[("fsync", path.stat().st_ino, path.stat().st_size) for path in written],
        ("fsync", found.path.stat().st_ino, found.path.stat().st_size),
        ("rename", ".tmp-", "step_"),
        ("fsync", store.folder.stat().st_ino, ANY),
        ("rename", "step_", ".tmp-"),
    ]


def test_a_folder_that_cannot_be_one(tmp_path):
    (tmp_path / "file").touch()
    store = CheckpointStore(tmp_path / "file")
    with pytest.raises(CheckpointError, match="cannot be read"):
        store.newest()
    with pytest.raises(CheckpointError, match="step 1 could not be stored"):
        put(store, 1)
    with pytest.raises(CheckpointError, match="cannot be read"):
        store.drop_after(1)


def test_exit_codes_of_the_helper():
    assert exit_code(lambda: None) == 0
    assert exit_code(lambda: 1 / 0) == 1
