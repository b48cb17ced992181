"""What the README shows can be typed in."""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from parts_for_tests import FAMILY

from rl_attention.cli.main import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line
    for language, block in EXAMPLES
    if language == "console"
    for line in block.splitlines()
    if line.startswith("rl-attention")
]
SMALL = {
    "train": "--n-timesteps 128 --n-envs 4 --eval-episodes 4 --extractor.width 16 --num-threads 1",
    "compare quick": "--tasks doorkey-5x5 --arms mlp --seeds 0",
    "compare": "--n-timesteps 128 --n-envs 4 --eval-episodes 4 --seeds 0 --num-threads 1",
}


@pytest.mark.slow
def test_the_plug_in_example_runs(tmp_path, monkeypatch):
    (example,) = [block for language, block in EXAMPLES if language == "python"]
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    small = example.replace("200_000", "64").replace("n_envs=16", "n_envs=2")
    assert small != example
    small = small.replace("env,", "env, n_steps=16, batch_size=16,")
    exec(compile(small, "README.md", "exec"), {})
    assert list(tmp_path.glob("logs/**/events.out.tfevents.*"))


@pytest.mark.slow
def test_the_commands_of_the_tour_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 6
    for line in COMMANDS:
        words = shlex.split(line, comments=True)[1:]
        words += shlex.split(SMALL.get(" ".join(words[:2]), SMALL.get(words[0], "")))
        if words[0] == "tensorboard":
            words.append("--dry-run")
        if words[0] == "demo":
            words = ["demo", "--help"]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, (line, result.output)


@pytest.mark.parametrize(("page", "least"), [("attention.md", 9), ("spaces.md", 6)])
def test_the_worked_example_of_a_page_is_right(page, least):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    path = str(ROOT / "docs" / page)
    failed, tried = doctest.testfile(path, module_relative=False, optionflags=flags)
    assert (failed, tried >= least) == (0, True)


def test_every_member_and_every_picture_of_the_attention_page_is_there():
    page = (ROOT / "docs" / "attention.md").read_text(encoding="utf-8")
    for registry in FAMILY.values():
        for name in registry:
            assert f"`{name}`" in page, name
    for path in re.findall(r"\]\((images/[^)]+)\)", page):
        assert (ROOT / "docs" / path).is_file(), path


def test_the_results_tables_are_what_the_result_files_say():
    command = [sys.executable, str(ROOT / "docs" / "write_results.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0
