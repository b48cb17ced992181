import contextlib
import dataclasses

import numpy as np
import pytest

from rl_attention.errors import UserError
from rl_attention.recording import ProbeSet


def assert_equal(first, second):
    assert first.digest == second.digest
    for field in dataclasses.fields(ProbeSet):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, dict):
            assert a.keys() == b.keys()
            assert all(a[k].dtype == b[k].dtype and (a[k] == b[k]).all() for k in a)
        else:
            assert (a is None) == (b is None)
            assert a is None or (a.dtype == b.dtype and np.array_equal(a, b))


def test_save_and_load_give_the_same_set(full_probes, tmp_path):
    full_probes.save(tmp_path / "new" / "probes.npz")
    assert_equal(full_probes, ProbeSet.load(tmp_path / "new" / "probes.npz"))
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["probes.npz"]


@pytest.mark.parametrize("observations", [np.zeros((2, 3)), {"a/b": np.ones((2, 1), np.int8)}])
def test_bare_observations_round_trip(observations, tmp_path):
    probes = ProbeSet.from_observations(observations)
    probes.save(tmp_path / "p.npz")
    assert_equal(probes, ProbeSet.load(tmp_path / "p.npz"))
    assert len(probes) == 2


@pytest.mark.parametrize(
    "key", ["../c", "a/../b", "/a", "..", "", "a\\..", "ü", "%2E", "a\nb", "a b"]
)
def test_any_key_round_trips(key, tmp_path):
    probes = ProbeSet({key: np.ones((2, 1), np.int8), "b": np.zeros((2, 3))})
    probes.save(tmp_path / "p.npz")
    assert_equal(probes, ProbeSet.load(tmp_path / "p.npz"))


def test_plain_keys_are_stored_as_they_are(tmp_path):
    """Files of before this was so are read, and written, alike."""
    probes = ProbeSet({"my cars-2_b": np.ones((2, 1), np.int8)})
    probes.save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as file:
        assert file.files == ["observations/my cars-2_b"]
    np.savez(tmp_path / "old.npz", **{"observations/a/b": np.zeros(2), "observations/c.d": [1, 2]})
    assert set(ProbeSet.load(tmp_path / "old.npz").observations) == {"a/b", "c.d"}
    assert probes.digest == "e4f11d6db836bbdd7190b75069de4dea13264bcea2e926e1a45dc35e524347c8"


def test_saving_twice_gives_the_same_bytes(full_probes, tmp_path):
    full_probes.save(tmp_path / "a.npz")
    full_probes.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_any_change_changes_the_digest(full_probes):
    full_probes = dataclasses.replace(full_probes, steps=np.array([[0, -1, 0], [0, -1, -2]]))
    digests = {full_probes.digest, full_probes.take([1, 0]).digest, full_probes.take([0]).digest}
    for field in dataclasses.fields(ProbeSet):
        value = getattr(full_probes, field.name)
        if isinstance(value, dict):
            key = dict(value, entities=value["entities"] + np.int8(1))
            digests.add(dataclasses.replace(full_probes, observations=key).digest)
            continue
        digests.add(dataclasses.replace(full_probes, **{field.name: None}).digest)
        other = np.flip(value, axis=0).copy()
        if not np.array_equal(other, value):
            digests.add(dataclasses.replace(full_probes, **{field.name: other}).digest)
    assert len(digests) == 3 + 1 + 9 + 8


def test_digest_by_hand():
    # fixed for ever: run folders compare it
    probes = ProbeSet.from_observations(np.zeros((1, 2), dtype=np.float32))
    assert probes.digest == "726213b36b2df4841d6d358b2a98870999835cc9e6cf63a0764ebf760ce0a602"


def test_the_digest_does_not_depend_on_byte_order_or_memory_layout():
    plain = np.arange(6, dtype="<i4").reshape(2, 3)
    turned = np.asfortranarray(plain.astype(">i4"))
    assert ProbeSet(plain).digest == ProbeSet(turned).digest


def test_take_keeps_rows_together(full_probes):
    taken = full_probes.take([-1])
    assert len(taken) == 1
    assert taken.missions[0] == "open the red door"
    assert np.array_equal(taken.observations["mission"][0], [3, 4, 5, 6])
    assert taken.boxes.shape == (1, 3, 4)


def test_sizes(full_probes):
    assert full_probes.sizes == {"entities": 3, "words": 4}
    bare = ProbeSet.from_observations(full_probes.observations)
    assert bare.sizes == {"entities": 3, "words": 4}
    assert ProbeSet(np.zeros((2, 3))).sizes == {}
    assert ProbeSet(np.zeros((2, 3)), types=np.array([["key"] * 7] * 2)).sizes == {"entities": 7}


def test_arrays_are_copies_that_nobody_can_change():
    given = np.zeros((2, 3))
    probes = ProbeSet(given)
    given[:] = 1
    assert not probes.observations.any()
    with pytest.raises(ValueError, match="read-only"):
        probes.observations[0] = 1


BAD = {
    "no rows": ({"observations": np.zeros((0, 3))}, "first axis must count"),
    "scalar": ({"observations": np.float32(1)}, "first axis must count"),
    "empty dict": ({"observations": {}}, "empty dict"),
    "nested dict": ({"observations": {"a": {"b": np.zeros(2)}}}, "'a' is a dict again"),
    "objects": ({"observations": np.array([{}, {}])}, "Python objects"),
    "row counts": ({"observations": {"a": np.zeros(2), "b": np.zeros(3)}}, "'.*/b' has 3 rows"),
    "frames dtype": (
        {"observations": np.zeros(2), "frames": np.zeros((2, 8, 8, 3))},
        "'frames' must hold uint8, got float64",
    ),
    "frames shape": (
        {"observations": np.zeros(2), "frames": np.zeros((2, 8, 8), np.uint8)},
        r"'frames' must have shape `P \* \* 3`",
    ),
    "boxes": (
        {"observations": np.zeros(2), "boxes": np.zeros((2, 3, 2), int)},
        "'boxes' must have",
    ),
    "types": ({"observations": np.zeros(2), "types": np.zeros((2, 3), int)}, "must hold text"),
    "slots": (
        {
            "observations": np.zeros(2),
            "boxes": np.zeros((2, 3, 4), int),
            "types": np.full((2, 4), "key"),
        },
        "entity slots differ",
    ),
}


@pytest.mark.parametrize(("fields", "message"), BAD.values(), ids=BAD)
def test_bad_sets_are_refused_in_one_line(fields, message):
    with pytest.raises(UserError, match=message) as error:
        ProbeSet(**fields)
    assert "\n" not in str(error.value)


def test_files_that_are_no_probe_set_are_refused(full_probes, tmp_path):
    path = tmp_path / "p.npz"
    with pytest.raises(UserError, match="no such file"):
        ProbeSet.load(path)
    np.savez(path, observations=np.zeros(2), strange=np.zeros(2))
    with pytest.raises(UserError, match=r"p\.npz.*strange"):
        ProbeSet.load(path)
    np.savez(path, frames=np.zeros(2))
    with pytest.raises(UserError, match="no probe set"):
        ProbeSet.load(path)
    np.savez(path, observations=np.array([{}]), allow_pickle=True)
    with pytest.raises(UserError, match="not a readable npz"):
        ProbeSet.load(path)
    np.save(tmp_path / "p.npy", np.zeros(2))
    with pytest.raises(UserError, match="not a readable npz"):
        ProbeSet.load(tmp_path / "p.npy")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_file_is_refused(full_probes, tmp_path, share):
    path = tmp_path / "p.npz"
    full_probes.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match=r"p\.npz"):
        ProbeSet.load(path)


def test_a_flipped_byte_gives_the_same_set_or_a_clear_error(full_probes, tmp_path):
    path = tmp_path / "p.npz"
    probes = full_probes.take([0])
    probes.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 60):
        torn = bytearray(whole)
        torn[place] ^= int(rng.integers(1, 256))
        path.write_bytes(torn)
        digest = None
        with contextlib.suppress(UserError):
            digest = ProbeSet.load(path).digest
        assert digest in (None, probes.digest)


def test_a_failed_write_leaves_the_old_file(full_probes, tmp_path, monkeypatch):
    path = tmp_path / "p.npz"
    full_probes.save(path)
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="no space"):
        full_probes.take([0]).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["p.npz"]
