import pytest

from rl_attention.errors import UserError
from rl_attention.experiment.yaml_files import MAX_BYTES, dump_yaml, load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x 1\nb: *x\n", "line 2: aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", "not plain YAML"),
        ("a: [\n", "not plain YAML"),
        ("a: 1\na: 2\n", "line 2: not plain YAML: the key 'a' is there twice"),
        ("a: \x00\n", "not plain YAML"),
        ("[" * 50 + "]" * 50, "at most 32 levels"),
        ("? [a]\n: 1\n", "not plain YAML"),
    ],
)
def test_what_is_not_plain_is_refused_in_one_line(text, reason):
    with pytest.raises(UserError, match=r"t\.yaml") as caught:
        parse_yaml(text, source="t.yaml")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("t.yaml") == 1


def test_a_large_file_is_refused(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UserError, match="at most"):
        load_yaml(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(UserError, match="UTF-8"):
        load_yaml(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read"):
        load_yaml(tmp_path / "none.yaml")


def test_keys_keep_their_order():
    assert dump_yaml({"b": 1, "a": [1]}) == "b: 1\na:\n- 1\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("250_000", 250_000),
        ("-3", -3),
        ("1:30", "1:30"),
        ("3e-4", 3e-4),
        ("1e5", 1e5),
        (".5", 0.5),
        ("2.", 2.0),
        ("0x10", "0x10"),
    ],
)
def test_numbers_are_read_as_they_look(text, value):
    got = parse_yaml(f"a: {text}\n", source="t.yaml")["a"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("text", ["010", "1e5", "3e-4", "1:30", "no", "1.5", "~", "", "a b"])
def test_texts_that_look_like_numbers_come_back_as_texts(text):
    assert parse_yaml(dump_yaml({"a": text}), source="t.yaml") == {"a": text}
