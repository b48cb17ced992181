"""Attention maps of run folders made to do harm, as a report reads them."""

import shutil
from pathlib import Path

import hostile
import numpy as np
import pytest
from opening import nothing_unpickled
from suites_for_tests import WEIGHTS, arm, write_map_folder

from rl_attention.comparison.maps import MapFigure, draw_maps
from rl_attention.errors import UserError


@pytest.fixture
def folder(tmp_path):
    return write_map_folder(tmp_path / "run")


def maps_of(folder):
    return draw_maps(arm("attention", [0.5], path=folder))


def spoil(path, name, content):
    hostile.with_member(path, f"{name}.npy", content)


@pytest.mark.parametrize("file", ["probes.npz", "attention/step_000003000.npz"])
@pytest.mark.parametrize("what", ["pickle", "object", "link", "bomb", "half", "missing"])
def test_hostile_folders_are_one_line_and_unpickle_nothing(folder, tmp_path, file, what):
    path, marker = folder / file, tmp_path / "marker"
    if what == "pickle":
        path.write_bytes(hostile.pickled(marker))
    elif what == "object":
        spoil(path, "evil", hostile.object_array(marker))
    elif what == "bomb":
        hostile.bomb(path)
    elif what == "half":
        path.write_bytes(path.read_bytes()[:200])
    else:
        shutil.move(path, tmp_path / "away")
        path.symlink_to(tmp_path / ("away" if what == "link" else "nowhere"))
    with nothing_unpickled(), pytest.raises(UserError, match=path.name) as caught:
        maps_of(folder)
    assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("file", "name", "array"),
    [
        ("probes.npz", "frames", np.zeros((2, 16, 16, 3), np.float32)),
        ("probes.npz", "frames", np.zeros((2, 16, 16, 1), np.uint8)),
        ("probes.npz", "frames", np.zeros((0, 16, 16, 3), np.uint8)),
        ("probes.npz", "frames", np.zeros((1, 5000, 1, 3), np.uint8)),
        ("probes.npz", "boxes", np.zeros((2, 3, 5), np.int32)),
        ("probes.npz", "agent_boxes", np.zeros((1, 4), np.int32)),
        ("probes.npz", "missions", np.zeros(2)),
        ("attention/step_000000000.npz", "layers", np.zeros(2)),
        ("attention/step_000000000.npz", "layers", np.array(["l0", "l\x1b"])),
        ("attention/step_000000000.npz", "l0/weights", np.zeros((0, 4, 1, 3), np.float32)),
        ("attention/step_000000000.npz", "l0/weights", WEIGHTS * np.float32("nan")),
        ("attention/step_000000000.npz", "l0/key_mask", np.ones((2, 2), bool)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(folder, file, name, array):
    spoil(folder / file, name, hostile.npy_bytes(array))
    with pytest.raises(UserError, match=Path(file).name) as caught:
        maps_of(folder)
    assert str(caught.value).isprintable()


def test_boxes_outside_the_frame_do_no_harm(folder):
    wild = np.full((2, 3, 4), 2**31 - 1, np.int64)
    wild[:, :, :2] = -(2**40)
    spoil(folder / "probes.npz", "boxes", hostile.npy_bytes(wild))
    assert isinstance(maps_of(folder), MapFigure)


def test_snapshots_elsewhere_are_refused(folder, tmp_path):
    shutil.move(folder / "attention", tmp_path / "away")
    (folder / "attention").symlink_to(tmp_path / "away")
    with pytest.raises(UserError, match="symbolic link"):
        maps_of(folder)
