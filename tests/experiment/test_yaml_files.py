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
