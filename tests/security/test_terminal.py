"""What comes from files is shown as text, and TensorBoard stays at home."""

import json
import shlex
import subprocess
import sys

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opening import TINY, call, folder_of, one_line

from rl_attention.cli.errors import OneLine, printable


@given(text=st.text())
def test_no_error_steers_the_terminal(text):
    line = OneLine(text).format_message()
    assert line.isprintable()
    assert len(line) <= 2000


def test_plain_text_stays_as_it_is():
    assert printable("für 3 m²: 'x' <b> [red]") == "für 3 m²: 'x' <b> [red]"
    assert printable("a\x1b[2J\u202e") == "a\\x1b[2J\\u202e"


@pytest.mark.parametrize(
    "name",
    ["[red]E[/red]", "[link=http://x]E[/link]", "\x1b[2JE", "<script>", "E\nE", "", "E" * 999],
)
@pytest.mark.parametrize("key", ["env", "arm", "algo"])
def test_no_name_of_a_result_is_markup(runs, name, key):
    path = folder_of(runs) / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: name}))
    for arguments in (
        ("train", *TINY, "-f", runs),
        ("compare", *TINY, "--arms", "attention", "--seeds", "0", "-f", runs),
    ):
        result = call(*arguments)
        assert f"{key}: expected a name" in one_line(result)
        assert "\x1b" not in result.output


def test_tensorboard_listens_on_this_machine_alone(tmp_path):
    words = shlex.split(call("tensorboard", tmp_path, "--dry-run").stdout)
    assert words[words.index("--host") + 1] == "localhost"
    assert not any("bind_all" in word for word in words)
    for option in ("--host", "--bind_all"):
        assert "No such option" in one_line(call("tensorboard", tmp_path, option, "0.0.0.0"))


def test_a_folder_called_like_an_option_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--bind_all").mkdir()
    words = shlex.split(call("tensorboard", "--dry-run", "--", "--bind_all").stdout)
    assert "--logdir=--bind_all" in words
    assert "--bind_all" not in words


def test_tensorboard_is_not_taken_from_the_run_folder(tmp_path):
    """Every run folder has a folder `tensorboard`, which must not be the program."""
    package = tmp_path / "tensorboard"
    package.mkdir()
    for name in ("__init__.py", "main.py"):
        (package / name).write_text("print('hijacked'); raise SystemExit\n")
    words = shlex.split(call("tensorboard", tmp_path, "--dry-run").stdout)
    code = words[words.index("-c") + 1].replace("run_main()", "print(run_main.__module__)")
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout == "tensorboard.main\n"


def test_whatever_stands_in_a_task_file_is_text(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text('"\\e[2J\\e]8;;http://x": 1\nenv: {id: "[red]x"}\n')
    assert "\\x1b[2J" in one_line(call("config", "--config", path))
    path.write_text('env: {id: "[red]\\e[2J<script>"}\n')
    assert "[red]\\x1b[2J<script>" in one_line(call("config", "--config", path))
    path.write_bytes(hostile.pickled(tmp_path / "none"))
    one_line(call("config", "--config", path))
