"""Files of extractors that are damaged anywhere, or made to do harm."""

import json
import os
import sys
import tracemalloc

import pytest
import torch
from exchange_for_tests import TINY, same, weights
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from spaces_for_tests import SPACES

from rl_attention import AttentionExtractor, load_extractor, save_extractor
from rl_attention.errors import UserError

SPACE = SPACES["entities and mask"]
EXTRACTOR = AttentionExtractor(SPACE, **{**TINY, "width": 8, "feedforward": 8})
KEY = "rl_attention.extractor"
_heard = []


def _listen(event, arguments):
    if event == "pickle.find_class":
        _heard.append(str(arguments))


sys.addaudithook(_listen)  # it cannot be taken away again


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("extractor") / "e.safetensors"
    save_extractor(EXTRACTOR, path)
    return path.read_bytes()


def attempt(path):
    """None, or one line; a refusal leaves the extractor as it was, and nothing is unpickled."""
    before, line = weights(EXTRACTOR), None
    _heard.clear()
    try:
        load_extractor(path, EXTRACTOR)
    except UserError as error:
        line = str(error)
    assert not _heard
    if line is None:
        assert all(tensor.isfinite().all() for tensor in weights(EXTRACTOR).values())
        return None
    assert line.isprintable()
    assert same(weights(EXTRACTOR), before)
    return line


def split(raw):
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def join(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def retold(path, raw, tell):
    """The file, with what it says of itself changed."""
    header, data = split(raw)
    said = json.loads(header["__metadata__"][KEY])
    changed = tell(said)
    said = said if changed is None else changed
    header["__metadata__"][KEY] = said if isinstance(said, str) else json.dumps(said)
    return join(path, header, data)


@given(data=st.data())
def test_any_damage_is_loaded_or_one_line(tmp_path, raw, data):
    spoiled = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 4))):
        spoiled[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "e.safetensors"
    path.write_bytes(spoiled[: data.draw(st.sampled_from([len(raw), 0, 4, 8, 40, len(raw) - 1]))])
    attempt(path)


sizes = st.one_of(st.integers(-1, 20), st.sampled_from([10**9, 2**32, 2**63, 2**64, 10**30]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.floats(), sizes),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = ["format", "extractor", "options", "features_dim", "space", "more"]
FIELDS += ["options.width", "options.n_heads", "options.more", "space.entities", "space.mask"]
FIELDS += ["space.more", "space.entities.shape", "space.entities.low", "space.entities.dtype"]
FIELDS += ["space.entities.type", "space.mask.shape", "space.mask.more"]


@given(field=st.sampled_from(FIELDS), value=values)
def test_whatever_it_says_of_itself(tmp_path, raw, field, value):
    def tell(said):
        *above, last = field.split(".")
        for name in above:
            said = said[name]
        said[last] = value

    attempt(retold(tmp_path / "e.safetensors", raw, tell))


@given(
    name=st.sampled_from(["global_token", "readout.0.weight", "other", "__metadata__"]),
    key=st.sampled_from(["dtype", "shape", "data_offsets", KEY]),
    value=st.one_of(values, st.sampled_from(["F32", "F64", "I64", "F8_E5M2", "BOOL", "F4", "C64"])),
)
def test_any_header_is_loaded_or_one_line(tmp_path, raw, name, key, value):
    header, data = split(raw)
    header[name] = {**header.get(name, {}), key: value}
    attempt(join(tmp_path / "e.safetensors", header, data))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 200_000 + "]" * 200_000, "expected how the extractor was built as JSON"),
        ("not JSON", "expected how the extractor was built as JSON"),
        ("[1]", "expected how the extractor was built as JSON"),
        ('{"format": NaN}', "expected how the extractor was built as JSON"),
        ('{"format": 1' + "0" * 5000 + "}", "expected"),
        ("{}", "expected the key 'format'"),
        ('{"format": 2}', "expected an extractor in format 1, got 2: save it again"),
        ('{"format": 1, "space": 3}', "space: expected an object, got 3"),
        ('{"format": 1, "space": {}, "extractor": "a b"}', "extractor: expected a name of"),
        ('{"format": 1, "space": {}, "extractor": "os"}', "expected the key 'options'"),
    ],
)
def test_what_it_says_of_itself_is_checked(text, message, tmp_path, raw):
    assert message in attempt(retold(tmp_path / "e.safetensors", raw, lambda said: text))


@pytest.mark.parametrize("field", ["options", "space"])
@pytest.mark.parametrize("value", ["\x1b[2J", {"\x1b[2J": 1}])
def test_control_characters_are_shown_as_codes(field, value, tmp_path, raw):
    def tell(said):
        said[field] = {"\x1b[2J": value}

    assert r"\x1b[2J" in attempt(retold(tmp_path / "e.safetensors", raw, tell))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"global_token": torch.zeros(9)}, "weights 'global_token': expected F32 [8], got F32 [9]"),
        ({"global_token": torch.zeros(8).double()}, "expected F32 [8], got F64 [8]"),
        ({"global_token": torch.zeros(8).int()}, "expected F32 [8], got I32 [8]"),
        ({"more": torch.zeros(8)}, "weights 'more': expected none, got F32 [8]"),
        ({"global_token": None}, "weights 'global_token': expected F32 [8], got none"),
        ({"global_token": torch.full((8,), float("nan"))}, "global_token holds NaN or infinity"),
        ({"global_token": torch.full((8,), float("inf"))}, "global_token holds NaN or infinity"),
    ],
)
def test_other_weights_are_named(tmp_path, raw, changes, message):
    path = tmp_path / "e.safetensors"
    tensors = {name: tensor.clone() for name, tensor in EXTRACTOR.state_dict().items()} | changes
    metadata = split(raw)[0]["__metadata__"]
    save_file({n: t for n, t in tensors.items() if t is not None}, path, metadata=metadata)
    assert message in attempt(path)


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_pickle_is_not_opened(tmp_path):
    torch.save({"state_dict": Payload(tmp_path / "marker")}, tmp_path / "e.safetensors")
    assert "expected saved tensors, got something else" in attempt(tmp_path / "e.safetensors")
    assert not (tmp_path / "marker").exists()


def test_tensors_of_something_else(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "e.safetensors")
    assert "expected an extractor that save_extractor wrote" in attempt(tmp_path / "e.safetensors")


def test_a_huge_header_is_not_read(tmp_path, raw):
    _, data = split(raw)
    tracemalloc.start()
    try:
        path = join(tmp_path / "e.safetensors", b'{"a": 1}' + b" " * (5 << 20), data)
        assert "something else or half a file" in attempt(path)
        path.write_bytes((1 << 62).to_bytes(8, "little") + data)
        assert "something else or half a file" in attempt(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_a_sparse_file_is_too_large(tmp_path):
    with (tmp_path / "e.safetensors").open("wb") as file:
        file.truncate(1 << 40)
    assert "expected at most 268,435,456 bytes" in attempt(tmp_path / "e.safetensors")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_links_pipes_and_folders(tmp_path, raw):
    (tmp_path / "e.safetensors").write_bytes(raw)
    assert attempt(tmp_path / "e.safetensors") is None
    (tmp_path / "link").symlink_to(tmp_path / "e.safetensors")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert "got a symbolic link" in attempt(tmp_path / "link")
    assert "got a pipe" in attempt(tmp_path / "pipe")
    assert "folder" in attempt(tmp_path / "folder")
    assert "no such file" in attempt(tmp_path / "nothing")
