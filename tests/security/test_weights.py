"""Files of weights that are damaged anywhere."""

import json

import hostile
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from opening import complaint
from safetensors.torch import save_file

from rl_attention.experiment.weights import count_stored, load_weights, named_tensors, save_weights


def network():
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 2)
    module.register_buffer("places", torch.arange(4))
    return module


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(network(), path)
    return path.read_bytes()


def attempt(path):
    """Loaded, or one line; a refusal leaves the network as it was."""
    module = torch.nn.Linear(3, 2)
    module.register_buffer("places", torch.arange(4))
    before = {name: tensor.clone() for name, tensor in named_tensors(module).items()}
    line = complaint(load_weights, module, path)
    if line is None:
        assert all(t.isfinite().all() for t in named_tensors(module).values())
        return None
    assert "\n" not in line
    assert all(torch.equal(before[n], t) for n, t in named_tensors(module).items())
    return line


def header_of(raw):
    return json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])


@given(data=st.data())
def test_any_damage_is_loaded_or_one_line(tmp_path, raw, data):
    spoiled = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 4))):
        spoiled[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "w.safetensors"
    path.write_bytes(spoiled[: data.draw(st.sampled_from([len(raw), 0, 4, 8, 40, len(raw) - 1]))])
    attempt(path)


sizes = st.one_of(st.integers(-1, 4), st.sampled_from([10**9, 2**32, 2**63, 2**64, 10**30]))
values = st.one_of(
    st.none(), st.text(max_size=3), st.floats(), sizes, st.lists(sizes, max_size=4), st.just({})
)


@given(
    name=st.sampled_from(["weight", "bias", "places", "other", "__metadata__"]),
    key=st.sampled_from(["dtype", "shape", "data_offsets", "more"]),
    value=st.one_of(values, st.sampled_from(["F32", "F64", "I64", "F8_E5M2", "BOOL", "F4", "C64"])),
)
def test_any_header_is_loaded_or_one_line(tmp_path, raw, name, key, value):
    header = header_of(raw)
    header[name] = {**header.get(name, {}), key: value}
    path = tmp_path / "w.safetensors"
    hostile.write_tensors(path, header, raw[8 + int.from_bytes(raw[:8], "little") :])
    attempt(path)


def test_whole_weights_are_loaded(tmp_path, raw):
    path = tmp_path / "w.safetensors"
    path.write_bytes(raw)
    assert attempt(path) is None
    assert count_stored(path) >= 6 + 2 + 4


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"weight": torch.zeros(3, 2)}, "'weight' does not match"),
        ({"weight": torch.zeros(2, 3, dtype=torch.float64)}, "'weight' does not match"),
        ({"weight": torch.zeros(2, 3, dtype=torch.int32)}, "'weight' does not match"),
        ({"weight": torch.full((2, 3), float("nan"))}, "weight holds NaN or infinity"),
        ({"bias": torch.tensor([0.0, float("inf")])}, "bias holds NaN or infinity"),
        ({"places": torch.full((4,), 2**40)}, "places differs"),
        ({"\x1b[2J": torch.zeros(1)}, r"'\x1b[2J' does not match"),
    ],
)
def test_other_weights_are_named(tmp_path, changes, part):
    path = tmp_path / "w.safetensors"
    tensors = {name: tensor.detach().clone() for name, tensor in named_tensors(network()).items()}
    save_file({**tensors, **changes}, path)
    assert part in attempt(path)


def test_a_long_list_of_tensors_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    hostile.write_tensors(path, b'{"a": 1}' + b" " * (5 << 20), b"")
    assert "something else or half a file" in attempt(path)


def test_a_sparse_file_is_too_large(tmp_path):
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    assert "at most" in attempt(path)
