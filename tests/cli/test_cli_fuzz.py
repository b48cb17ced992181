"""Any arguments and any task file: something valid, or one line and exit code 2."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_attention.cli.main import main
from rl_attention.cli.options import ALIASES, find_leaves
from rl_attention.experiment.task_config import parse_task

DOORKEY = "MiniGrid-DoorKey-5x5-v0"
TASKS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
OPTIONS = sorted(
    {f"--{leaf.path}" for leaf in find_leaves()}
    | {name for names in ALIASES.values() for name in names}
)

odd = st.sampled_from(
    [
        *(
            "",
            "0",
            "-1",
            "1e400",
            "nan",
            "-inf",
            "null",
            "~",
            "true",
            "no",
            "1:30",
            "010",
            "9" * 5000,
        ),
        *("[1", "{", "}", "[[1]]", "{a: 1}", "*a", "&a", "!!bool x", "!!timestamp x", "!!int [1]"),
        *("<<: 1", "? a", "- a", "'", '"\\e[2J"', "%", "@", "`", "#", ": :", "[" * 99),
        *("lin_", "lin_nan", "lin_1e999", "ppo", "dqn", "flat", "cells", "latent", "relational"),
        *(
            "..",
            "/etc/passwd",
            "/dev/null",
            "a" * 5000,
            "\x1b[2J",
            "\udcff",
            "\u202e",
            "\n",
            "=",
            "--",
        ),
    ]
)
values = st.one_of(
    odd,
    st.integers().map(str),
    st.floats().map(str),
    st.text(st.characters(exclude_characters="\0"), max_size=8),
)
flags = st.sampled_from(
    ["--help", "-h", "--debug", "-params", "-P", "-n", "-f", "-tb", "--json", "--seeds", "--arms"]
)
options = st.one_of(st.sampled_from(OPTIONS), flags, values)
arguments = st.lists(st.one_of(st.tuples(options, values), st.tuples(options)), max_size=4).map(
    lambda pairs: [word for pair in pairs for word in pair]
)


def call(*words):
    return CliRunner().invoke(main, words)


def valid_or_one_line(result):
    """What was printed, or None where it was refused."""
    assert result.exit_code in (0, 2), (result.output, result.exception)
    if result.exit_code == 0:
        return result.stdout
    assert re.fullmatch(r"Error: .+\n", result.stderr), result.stderr
    assert result.stderr[:-1].isprintable()
    return None


@settings(max_examples=150)
@given(words=arguments, given_env=st.booleans())
def test_any_arguments_give_a_config_or_one_line(tmp_path, monkeypatch, words, given_env):
    monkeypatch.chdir(tmp_path)
    printed = valid_or_one_line(call("config", *(["--env", DOORKEY] * given_env), *words))
    if printed is not None and not printed.startswith("Usage:"):
        task = parse_task(yaml.safe_load(printed))
        assert parse_task(task.dump()) == task


@given(name=st.sampled_from(["train", "compare"]), words=arguments)
def test_no_arguments_hide_a_mistake(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    result = call(name, "--n_timesteps", "none", *words, "--n_timesteps", "none")
    printed = valid_or_one_line(result)
    assert printed is None or printed.startswith("Usage:")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["eval", "tensorboard", "envs"])
@given(words=arguments)
def test_any_arguments_of_what_only_reads_are_one_line(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lin_").write_bytes(b"PK\x05\x06" + bytes(18))
    dry = ["--dry-run"] if name == "tensorboard" else []
    valid_or_one_line(call(name, *dry, *words))


@given(words=st.lists(values, min_size=1, max_size=3))
def test_no_command_of_that_name(words):
    valid_or_one_line(call(*words))


edits = st.lists(
    st.tuples(st.sampled_from(["drop", "twice", "swap", "indent", "value", "insert"]), st.data()),
    min_size=1,
    max_size=3,
)


def edit(lines, how, data):
    """Change a line of a task file in one way."""
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    if how == "drop":
        return lines[:at] + lines[at + 1 :] or [""]
    if how == "twice":
        return [*lines[:at], line, *lines[at:]]
    if how == "swap":
        return [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]]
    if how == "indent":
        return [*lines[:at], "  " + line, *lines[at + 1 :]]
    if how == "value":
        key, colon, _ = line.partition(":")
        return [*lines[:at], f"{key}{colon} {data.draw(values)}", *lines[at + 1 :]]
    place = data.draw(st.integers(0, len(line)))
    return [*lines[:at], line[:place] + data.draw(values) + line[place:], *lines[at + 1 :]]


@settings(max_examples=150)
@given(path=st.sampled_from(TASKS), edits=edits)
def test_any_change_of_a_task_file_is_valid_or_one_line(tmp_path, path, edits):
    lines = path.read_text(encoding="utf-8").splitlines()
    for how, data in edits:
        lines = edit(lines, how, data)
    changed = tmp_path / "task.yaml"
    changed.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    valid_or_one_line(call("config", "--config", str(changed)))
