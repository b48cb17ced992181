"""What was damaged or tampered with is never loaded: the one before it is, or there is an error."""

import json
import os
import random
import shutil
import time
import warnings

import pytest
from store_parts import (
    LARGE,
    assert_whole,
    body_of,
    contents,
    folder_name,
    names,
    put,
    seal,
)

from rl_attention.checkpoints import CheckpointError, CheckpointStore, CheckpointWarning

MANIFEST = "manifest.json"
FILES = [*contents(0), MANIFEST]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """Checkpoints 1 and 2, the newest a large one."""
    folder = tmp_path_factory.mktemp("untouched")
    put(CheckpointStore(folder), 1)
    put(CheckpointStore(folder), 2, size=LARGE)
    return folder


@pytest.fixture
def store(untouched, tmp_path):
    shutil.copytree(untouched, tmp_path / "checkpoints")
    return CheckpointStore(tmp_path / "checkpoints")


@pytest.fixture
def newest(store):
    return store.folder / folder_name(2)


def assert_passed_over(store, why=""):
    """The newest checkpoint counts for nothing, whether or not there is another."""
    with pytest.warns(CheckpointWarning, match=f"{folder_name(2)}: .*{why}.*; passed over") as seen:
        found = store.newest()
    assert len(seen) == 1
    assert "\n" not in str(seen[0].message)
    assert found.step == 1
    assert_whole(found)
    with pytest.warns(CheckpointWarning, match=folder_name(2)):
        assert store.best() is None
    away = store.folder.with_name("away")
    os.rename(store.folder / folder_name(1), away)
    with pytest.raises(CheckpointError, match=f"{folder_name(2)}: .*{why}"):
        store.newest()
    with pytest.raises(CheckpointError, match=f"{folder_name(2)}: .*{why}"):
        store.best()
    os.rename(away, store.folder / folder_name(1))


def test_the_untouched_one_is_whole(store):
    assert store.newest().step == 2
    assert_whole(store.newest())


@pytest.mark.parametrize("name", FILES)
def test_every_file_cut_short(store, newest, name):
    whole = (newest / name).read_bytes()
    lengths = {*range(0, len(whole), 4096), len(whole) - 1} & set(range(len(whole)))
    assert len(lengths) > 70 or name != "weights.safetensors"
    for length in lengths:
        (newest / name).write_bytes(whole[:length])
        assert_passed_over(store)
    (newest / name).write_bytes(whole + b"\n")
    assert_passed_over(store)


def test_flipped_bytes(store, newest):
    rng = random.Random(0)
    for _ in range(200):
        path = newest / rng.choice([name for name in FILES if name != "empty"])
        whole = path.read_bytes()
        at = rng.randrange(len(whole))
        flipped = bytes([whole[at] ^ rng.randrange(1, 256)])
        path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        assert_passed_over(store)
        path.write_bytes(whole)
    assert store.newest().step == 2


def test_every_byte_of_the_manifest(store, newest):
    rng = random.Random(1)
    whole = (newest / MANIFEST).read_bytes()
    for at in range(len(whole)):
        flipped = bytes([whole[at] ^ rng.randrange(1, 256)])
        (newest / MANIFEST).write_bytes(whole[:at] + flipped + whole[at + 1 :])
        with pytest.warns(CheckpointWarning, match=folder_name(2)):
            assert store.newest().step == 1


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_gone(store, newest, name):
    (newest / name).unlink()
    assert_passed_over(store, f"{name} is missing")


@pytest.mark.parametrize("name", FILES)
def test_links_are_not_files(store, newest, name, tmp_path):
    os.rename(newest / name, tmp_path / name)
    (newest / name).symlink_to(tmp_path / name)
    assert_passed_over(store, f"'{name}' is something else")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize("name", FILES)
def test_folders_and_pipes_are_not_files(store, newest, name, make):
    (newest / name).unlink()
    make(newest / name)
    assert_passed_over(store, f"'{name}' is something else")


def test_stray_files(store, newest):
    (newest / "model.pkl").write_bytes(b"x")
    assert_passed_over(store, r"'model\.pkl' is not in the manifest")
    for i in range(70):
        (newest / f"f{i}").touch()
    assert_passed_over(store, "at most 64 files")


def test_files_of_another_checkpoint(store, newest):
    shutil.copy(store.folder / folder_name(1) / "state.json", newest)
    assert_passed_over(store, "state.json has other bytes")
    shutil.copy(store.folder / folder_name(1) / MANIFEST, newest)
    assert_passed_over(store, "the folder's step in the manifest, got 1")


def test_a_link_in_place_of_the_folder(store, newest, tmp_path):
    os.rename(newest, tmp_path / folder_name(2))
    newest.symlink_to(tmp_path / folder_name(2))
    assert_passed_over(store, "expected a folder, got a symbolic link")
    with pytest.warns(CheckpointWarning, match="symbolic link; removed"):
        put(store, 3)
    assert names(store.folder) == [folder_name(1), folder_name(3)]
    assert len(names(tmp_path / folder_name(2))) == len(FILES)  # only the link is gone


def test_a_file_in_place_of_the_folder(store, newest):
    shutil.rmtree(newest)
    newest.touch()
    assert_passed_over(store, "expected a folder, got something else")
    with pytest.warns(CheckpointWarning, match="something else; removed"):
        put(store, 3)
    assert names(store.folder) == [folder_name(1), folder_name(3)]


@pytest.mark.parametrize("name", ["../x", "{folder}/x", "a/b", "..", ".", "", ".x", "a\\b", "x\0"])
def test_names_that_lead_elsewhere(store, newest, name):
    name = name.format(folder=store.folder)
    body = body_of(newest / MANIFEST)
    body["files"][name] = body["files"].pop("empty")
    (newest / "empty").unlink()
    (store.folder / "x").touch()
    (newest / MANIFEST).write_bytes(seal(body))
    assert_passed_over(store, "expected a plain file name")


def test_a_manifest_that_lists_itself(store, newest):
    body = body_of(newest / MANIFEST)
    body["files"][MANIFEST] = body["files"]["empty"]
    (newest / MANIFEST).write_bytes(seal(body))
    assert_passed_over(store, "other than manifest.json")


SEALED = {
    "format 2": {"format": 2},
    "format text": {"format": "x" * 1000},
    "format none": {"format": None},
    "step other": {"step": 3},
    "step negative": {"step": -2},
    "step true": {"step": True},
    "step fraction": {"step": 2.0},
    "score text": {"score": "high"},
    "score infinite": {"score": float("inf")},
    "score nan": {"score": float("nan")},
    "score whole": {"score": 1},
    "notes list": {"notes": []},
    "notes nan": {"notes": {"a": float("nan")}},
    "files number": {"files": 10**9},
    "files list": {"files": ["empty"]},
    "files many": {"files": {f"f{i}": {"size": 0, "sha256": "0" * 64} for i in range(65)}},
    "files huge": {"files": {"empty": {"size": 10**18, "sha256": "0" * 64}}},
    "size negative": {"files": {"empty": {"size": -1, "sha256": "0" * 64}}},
    "size true": {"files": {"empty": {"size": True, "sha256": "0" * 64}}},
    "hash short": {"files": {"empty": {"size": 0, "sha256": "0" * 63}}},
    "hash number": {"files": {"empty": {"size": 0, "sha256": 0}}},
    "entry bare": {"files": {"empty": "0" * 64}},
    "entry more": {"files": {"empty": {"size": 0, "sha256": "0" * 64, "url": ""}}},
    "more": {"extra": 1},
}


REASONS = {
    "format": "expected a checkpoint of format 1, got",
    "step": "step",
    "size": "no size and sha256 for 'empty'",
    "hash": "no size and sha256 for 'empty'",
    "entry": "no size and sha256 for 'empty'",
}


@pytest.mark.parametrize("said", SEALED)
def test_manifests_that_say_something_else(store, newest, said):
    (newest / MANIFEST).write_bytes(seal({**body_of(newest / MANIFEST), **SEALED[said]}))
    assert_passed_over(store, REASONS.get(said.split()[0], ""))


def test_sealing_is_what_the_store_does(store, newest):
    whole = (newest / MANIFEST).read_bytes()
    assert seal(body_of(newest / MANIFEST)) == whole


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 500_000,
        b'{"format": ' * 90_000,
        b'{"format": 1}',
        b'{"format": 1' + b"0" * 9000 + b"}",
        b"\xff\xfe",
        b'{"format": 1, "format": 1}',
        b" " * (2 << 20),
    ],
    ids=range(11),
)
def test_manifests_that_are_none(store, newest, raw):
    (newest / MANIFEST).write_bytes(raw)
    assert_passed_over(store)


def test_a_manifest_that_is_written_another_way(store, newest):
    data = json.loads((newest / MANIFEST).read_bytes())
    (newest / MANIFEST).write_text(json.dumps(data))
    assert_passed_over(store, "the manifest has other bytes")


def test_a_manifest_that_fills_the_disk_is_not_read(store, newest):
    os.truncate(newest / MANIFEST, 1 << 33)  # 8 GiB of nothing, without blocks
    os.truncate(newest / "empty", 1 << 33)
    start = time.monotonic()
    assert_passed_over(store, "a manifest of at most 1048576 bytes")
    assert time.monotonic() - start < 2


def test_a_file_of_another_size_is_not_read(store, newest):
    os.truncate(newest / "empty", 1 << 33)
    start = time.monotonic()
    assert_passed_over(store, f"expected 0 bytes in empty, got {1 << 33}")
    assert time.monotonic() - start < 2


def test_nothing_is_unpickled(store, newest):
    (newest / MANIFEST).write_bytes(b"\x80\x04cposix\nsystem\n")
    assert_passed_over(store, "no JSON")


def test_up_to_does_not_look_at_later_ones(store, newest):
    (newest / "empty").write_bytes(b"x")
    assert store.newest(up_to=1).step == 1


def test_a_damaged_one_does_not_count_as_kept(store, newest):
    (newest / "weights.safetensors").write_bytes(bytes(LARGE))
    with pytest.warns(CheckpointWarning, match="weights.safetensors has other bytes.*; removed"):
        put(store, 3)
    assert names(store.folder) == [folder_name(1), folder_name(3)]


def test_a_damaged_one_is_not_the_best(store):
    put(store, 3, score=5.0)
    put(store, 4, score=4.0)
    (store.folder / folder_name(3) / "empty").write_bytes(b"x")
    with pytest.warns(CheckpointWarning, match=folder_name(3)):
        assert store.best().step == 4
    with pytest.warns(CheckpointWarning, match=f"{folder_name(3)}.*removed"):
        put(store, 5, score=1.0)
    put(store, 6, score=1.0)
    put(store, 7, score=1.0)
    assert names(store.folder) == [folder_name(step) for step in (4, 6, 7)]


def test_a_damaged_one_is_replaced_by_its_own_step(store, newest):
    (newest / "empty").write_bytes(b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        put(store, 2)
    assert_whole(store.newest())
    assert names(store.folder) == [folder_name(1), folder_name(2)]


def test_of_several_damaged_ones_the_newest_is_named(store):
    for step in (1, 2):
        (store.folder / folder_name(step) / "empty").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=rf"{folder_name(2)}.*1 older.*at least one whole"):
        store.newest()
