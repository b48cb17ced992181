import numpy as np
import pytest

from rl_attention.errors import UserError
from rl_attention.recording import (
    Snapshot,
    list_snapshots,
    read_snapshot,
    snapshot_path,
    write_snapshot,
)


@pytest.fixture
def snapshot(make_map):
    rng = np.random.default_rng(0)
    both = ("global", "entities")
    mask = rng.random((2, 3)) < 0.5
    layers = {
        "l0": make_map(rng.random((2, 4, 3, 3)), queries=both, keys=both, key_mask=mask),
        "w0": make_map(rng.random((2, 4, 1, 0)), queries=("global",), keys=("words",)),
    }
    return Snapshot(step=12345, layers=layers, probes_digest="abc")


def test_round_trip(snapshot, tmp_path):
    path = write_snapshot(tmp_path, snapshot)
    assert path == tmp_path / "attention" / "step_000012345.npz"
    back = read_snapshot(path)
    assert (back.step, back.probes_digest) == (12345, "abc")
    assert list(back.layers) == ["l0", "w0"]
    for label, found in snapshot.layers.items():
        other = back.layers[label]
        assert (other.name, other.queries, other.keys) == (found.name, found.queries, found.keys)
        for part in ("weights", "query_mask", "key_mask"):
            assert np.array_equal(getattr(other, part), getattr(found, part))
            assert getattr(other, part).dtype == getattr(found, part).dtype


def test_listing_is_by_step_and_ignores_other_files(snapshot, tmp_path):
    assert list_snapshots(tmp_path) == {}
    for step in (5, 2_000_000_000, 0, 70):
        write_snapshot(tmp_path, Snapshot(step, snapshot.layers, "abc"))
    (tmp_path / "attention" / ".step_000000001.npz.17.tmp").touch()
    (tmp_path / "attention" / "notes.npz").touch()
    listed = list_snapshots(tmp_path)
    assert list(listed) == [0, 5, 70, 2_000_000_000]
    assert all(path == snapshot_path(tmp_path, step) for step, path in listed.items())
    assert [read_snapshot(path).step for path in listed.values()] == list(listed)


def test_files_that_are_no_snapshot_are_refused(snapshot, tmp_path):
    path = write_snapshot(tmp_path, snapshot)
    whole = path.read_bytes()
    for share in (0.0, 0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UserError, match="step_000012345"):
            read_snapshot(path)
    np.savez(path, step=np.array(1))
    with pytest.raises(UserError, match="not an attention snapshot"):
        read_snapshot(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("weights", np.zeros((2, 4, 3))),
        ("weights", np.zeros((2, 4, 3, 3))),  # float64
        ("key_mask", np.zeros((2, 4), dtype=bool)),
        ("query_mask", np.zeros((1, 3), dtype=bool)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(snapshot, tmp_path, part, value):
    path = write_snapshot(tmp_path, snapshot)
    arrays = dict(np.load(path))
    arrays[f"l0/{part}"] = value
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="l0"):
        read_snapshot(path)


def test_pickled_arrays_are_not_opened(snapshot, tmp_path):
    path = write_snapshot(tmp_path, snapshot)
    arrays = dict(np.load(path))
    arrays["l0/name"] = np.array(object(), dtype=object)
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="not a readable npz"):
        read_snapshot(path)
