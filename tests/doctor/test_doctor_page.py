"""What docs/doctor.md shows is so."""

import doctest
import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from rl_attention.cli.main import main
from rl_attention.doctor import CHECKS

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_lists_every_check_once_and_in_order():
    assert re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE) == list(CHECKS)


def test_each_check_has_a_file_of_its_name():
    for name, check in CHECKS.items():
        assert check.__module__ == f"rl_attention.doctor.checks.{name}"
        assert check.__doc__


def test_the_python_examples_are_right():
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried > 7) == (0, True)


def test_the_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)
    codes = []
    for line in block.splitlines():
        words = shlex.split(line)[1:]
        codes.append(CliRunner().invoke(main, words).exit_code)
    assert codes == [1, 0, 0]
