import errno
import os
import random
import resource
import shutil
import warnings

import pytest
from store_parts import (
    LARGE,
    assert_whole,
    contents,
    die,
    disk_is_full,
    exit_code,
    folder_name,
    names,
    put,
    store_that,
    writer,
)

from rl_attention.checkpoints import CheckpointError, CheckpointStore, CheckpointWarning, reading


def build(folder):
    """Steps 1 (the best), 3 and 4."""
    store = CheckpointStore(folder)
    for step in range(1, 5):
        put(store, step, score=float(-step))


def build_half_replaced(folder):
    """Step 4 was being replaced: both of it are there, and a temporary folder."""
    build(folder)
    shutil.copytree(folder / folder_name(4), folder / f"{folder_name(4)}.old")
    put(CheckpointStore(folder.parent / "other"), 4, token=44)
    shutil.rmtree(folder / folder_name(4))
    shutil.move(folder.parent / "other" / folder_name(4), folder)
    (folder / ".tmp-999999999-0").mkdir()


def build_moved_aside(folder):
    """Step 4 was being replaced: only the old one is there."""
    build(folder)
    os.rename(folder / folder_name(4), folder / f"{folder_name(4)}.old")


def build_spoiled_replacement(folder):
    """Step 4 was being replaced; of the new one half is lost."""
    build_half_replaced(folder)
    os.truncate(folder / folder_name(4) / "weights.safetensors", 1)


# name: what is there, the step that is committed, the token of the newest before
SCENES = {
    "next step": (build, 5, 4),
    "same step": (build, 4, 4),
    "after a replacement": (build_half_replaced, 5, 44),
    "same step after a replacement": (build_half_replaced, 4, 44),
    "after moving aside": (build_moved_aside, 5, 4),
    "same step after moving aside": (build_moved_aside, 4, 4),
    "after a spoiled replacement": (build_spoiled_replacement, 5, 4),
}


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    # nobody pulls the plug here; test_store.py sees to what is synchronised, and when
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(params=SCENES)
def scene(request, tmp_path):
    """A folder to copy, the step to commit, the newest token, and the points on the way."""
    make, step, token = SCENES[request.param]
    folder = tmp_path / "scene"
    make(folder)
    shutil.copytree(folder, tmp_path / "all")
    points = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        put(CheckpointStore(tmp_path / "all", reached=points.append), step, token=99)
    return folder, step, token, points


spoiled_ones_are_meant = pytest.mark.filterwarnings(
    "ignore::rl_attention.checkpoints.CheckpointWarning"
)


def newest_of(folder):
    """The newest, wholly what was committed."""
    found = CheckpointStore(folder).newest()
    assert_whole(found)
    return found


@spoiled_ones_are_meant
def test_killed_at_every_point(scene, tmp_path):
    before, step, token, points = scene
    assert points.index("before rename") > 5
    for at, point in enumerate(points):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(before, folder)
        doomed = store_that(die, folder, at=at)
        assert exit_code(lambda doomed=doomed: put(doomed, step, token=99)) == 9, point
        renamed = at >= points.index("after rename")
        assert newest_of(folder).notes["token"] == (99 if renamed else token), point
        assert folder_name(1) in names(folder), point
        put(CheckpointStore(folder), 6)
        assert names(folder) == [folder_name(n) for n in (1, step if renamed else 4, 6)], point


@spoiled_ones_are_meant
def test_the_disk_refuses_at_every_point(scene, tmp_path):
    before, step, token, points = scene
    for at, point in enumerate(points):
        folder = tmp_path / f"full-{at}"
        shutil.copytree(before, folder)
        with pytest.raises(CheckpointError, match="No space left") as caught:
            put(store_that(disk_is_full, folder, at=at), step, token=99)
        assert str(folder) in str(caught.value)
        renamed = at >= points.index("after rename")
        found = newest_of(folder)
        assert found.notes["token"] == (99 if renamed else token), point
        assert f".tmp-{os.getpid()}" not in " ".join(names(folder)), point
        assert found.path.suffix in ("", newest_of(before).path.suffix), point
        put(CheckpointStore(folder), 6)
        assert names(folder) == [folder_name(n) for n in (1, step if renamed else 4, 6)], point


def test_killed_while_dropping(tmp_path):
    build(tmp_path / "scene")
    shutil.copytree(tmp_path / "scene", tmp_path / "all")
    points = []
    CheckpointStore(tmp_path / "all", reached=points.append).drop_after(1)
    for at, point in enumerate(points):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(tmp_path / "scene", folder)
        doomed = store_that(die, folder, at=at)
        assert exit_code(lambda doomed=doomed: doomed.drop_after(1)) == 9
        # the latest goes first: what is left is a history without a gap
        left = [name for name in names(folder) if name.startswith("step")]
        assert left == [folder_name(step) for step in (1, 3, 4)][: len(left)], point
        CheckpointStore(folder).drop_after(1)
        assert newest_of(folder).step == 1
        put(CheckpointStore(folder), 2)
        assert names(folder) == [folder_name(1), folder_name(2)]


def test_the_disk_refuses_to_drop(tmp_path):
    build(tmp_path)
    with pytest.raises(CheckpointError, match="after step 1 could not be removed"):
        store_that(disk_is_full, tmp_path, at=0).drop_after(1)
    assert names(tmp_path) == [folder_name(step) for step in (1, 3, 4)]


def test_killed_at_any_moment(tmp_path):
    def commit_on(start):
        for step in range(start, 10**6):
            put(CheckpointStore(tmp_path), step)

    put(CheckpointStore(tmp_path), 1)
    rng, last = random.Random(0), 1
    for _ in range(20):
        seconds = rng.uniform(0.001, 0.03)
        assert exit_code(lambda start=last + 1: commit_on(start), kill_after=seconds) == -9
        found = newest_of(tmp_path)
        assert found.step >= last
        last = found.step
    put(CheckpointStore(tmp_path), 10**6)
    assert names(tmp_path) == [folder_name(last), folder_name(10**6)]


def test_killed_in_the_middle_of_a_file(tmp_path):
    def half(file):
        file.write(bytes(200_000))
        os._exit(9)

    build(tmp_path)
    files = {"a": writer(b"whole"), "b": half}
    assert exit_code(lambda: CheckpointStore(tmp_path).commit(5, files)) == 9
    assert newest_of(tmp_path).step == 4
    assert len(names(tmp_path)) == 4
    put(CheckpointStore(tmp_path), 5)
    assert names(tmp_path) == [folder_name(step) for step in (1, 4, 5)]


def test_killed_in_the_middle_of_removing(tmp_path, monkeypatch):
    def half(path):
        next(path.iterdir()).unlink()
        os._exit(9)

    build(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", half)
        assert exit_code(lambda: put(CheckpointStore(tmp_path), 5)) == 9
    # no warning: half of a checkpoint does not have a checkpoint's name
    assert CheckpointStore(tmp_path).newest().step == 5
    put(CheckpointStore(tmp_path), 6)
    assert names(tmp_path) == [folder_name(step) for step in (1, 5, 6)]


def test_a_file_beyond_the_limit_of_the_process(tmp_path):
    # the kernel itself refuses, in the middle of a file
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(CheckpointError, match=r"step 5 could not be stored.*File too large"):
            put(CheckpointStore(tmp_path), 5, size=LARGE)

    build(tmp_path)
    assert exit_code(limited) == 0
    assert newest_of(tmp_path).step == 4
    assert names(tmp_path) == [folder_name(step) for step in (1, 3, 4)]


def test_a_writer_that_meets_a_full_disk(tmp_path):
    build(tmp_path)
    store = CheckpointStore(tmp_path)
    for name in contents(0):
        files = {**{name: writer(data) for name, data in contents(5).items()}}
        files[name] = lambda file: file.write(b"some") and disk_is_full()
        with pytest.raises(CheckpointError, match=r"step 5 could not be stored.*No space left"):
            store.commit(5, files)
        assert names(tmp_path) == [folder_name(step) for step in (1, 3, 4)]
        assert store.newest().step == 4


@pytest.mark.parametrize("name", ["fsync", "rename", "mkdir"])
def test_every_call_that_fails(tmp_path, monkeypatch, name):
    build(tmp_path / "scene")
    real = getattr(os, name)
    for at in range(100):
        folder = tmp_path / f"failed-{at}"
        shutil.copytree(tmp_path / "scene", folder)
        calls = []

        def refuse(*args, at=at, calls=calls, **options):
            calls.append(args)
            if len(calls) == at + 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*args, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, name, refuse)
            refusals = []
            try:
                put(CheckpointStore(folder), 4, token=99)
            except CheckpointError as error:
                refusals.append(str(error))
        if not refusals:
            break
        assert "Input/output error" in refusals[0]
        assert newest_of(folder).notes["token"] in (4, 99)
        assert ".tmp" not in " ".join(names(folder))
    assert at >= {"fsync": 6, "rename": 3, "mkdir": 1}[name]


def test_other_errors_of_a_writer_come_through(tmp_path):
    def interrupted(file):
        file.write(b"some")
        raise KeyboardInterrupt

    build(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        CheckpointStore(tmp_path).commit(5, {"a": interrupted})
    with pytest.raises(ZeroDivisionError):
        CheckpointStore(tmp_path).commit(5, {"a": lambda file: 1 / 0})
    assert names(tmp_path) == [folder_name(step) for step in (1, 3, 4)]


def test_the_folder_vanishes(tmp_path):
    folder = tmp_path / "checkpoints"
    build(folder)
    with pytest.raises(CheckpointError, match="step 5 could not be stored"):
        CheckpointStore(folder).commit(5, {"a": lambda file: shutil.rmtree(folder)})
    assert put(CheckpointStore(folder), 5) == CheckpointStore(folder).newest()


def test_what_cannot_be_read_is_passed_over_but_never_removed(tmp_path, monkeypatch):
    def refuse(path):
        if folder_name(4) in str(path) or "manifest" not in path.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path)

    real = reading._open
    build(tmp_path)
    put(CheckpointStore(tmp_path, keep=9), 5)
    with monkeypatch.context() as patched:
        patched.setattr(reading, "_open", refuse)
        with pytest.raises(CheckpointError, match=r"000000000005: cannot be read.*3 older"):
            CheckpointStore(tmp_path).newest()
        with pytest.raises(CheckpointError, match=r"step 6 is stored, but older.*Input/output"):
            put(CheckpointStore(tmp_path), 6)
    assert names(tmp_path) == [folder_name(step) for step in (1, 3, 4, 5, 6)]
