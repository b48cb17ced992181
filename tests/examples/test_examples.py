"""Every example runs, briefly, in an empty folder, and prints and leaves what it promises."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
EVENTS = r"events\.out\.tfevents\..*"

# timesteps, what it prints, the files that it leaves
EXAMPLES = {
    "ppo_minigrid": (64, r"success in \d+% of 100", rf"logs/ppo_minigrid/PPO_1/{EVENTS}"),
    "dqn_minigrid": (64, r"before.*\d+%.*\n.*after.*\d+%", None),
    "sac_entities": (200, r"mean reward: -\d+\.\d before training, -\d+\.\d after", None),
    "highway": (64, r"before.*\d+%.*\nafter.*\d+%", rf"logs/highway/DQN_1/{EVENTS}"),
    "recurrent_ppo": (64, r"success in \d+% of 100", None),
    "rl_zoo": (64, r"(?s)rl_zoo3\.train.*rl_zoo3\.enjoy.*Success rate", r"logs/rl_zoo/ppo/.*"),
    "own_env": (64, r"\n +4 .*\n +8 .*\n +16 .*\n +32 ", r"own_env\.zip"),
}
NEEDS = {"highway": "highway_env", "recurrent_ppo": "sb3_contrib", "rl_zoo": "rl_zoo3"}

pytestmark = pytest.mark.slow


def run(command, folder):
    """Run an example as its user would, on one core."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_runs_in_an_empty_folder(name, tmp_path):
    needed = NEEDS.get(name)
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: pip install 'rl-attention[examples]'")
    timesteps, printed, left = EXAMPLES[name]
    path = FOLDER / f"{name}.py"
    done = run([str(path), "--timesteps", str(timesteps)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(printed, done.stdout), done.stdout
    files = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert bool(files) == (left is not None), files
    assert all(re.fullmatch(left, file) for file in files), files


def test_every_example_is_run_and_listed():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == set(EXAMPLES)
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\[(\w+)\.py\]\(\1\.py\)", table)) == names


@pytest.mark.parametrize("name", EXAMPLES)
def test_is_short_and_says_what_it_shows(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    says = ast.get_docstring(ast.parse(text))
    assert "minute" in says
    assert "second" in says or "core" in says
    _, _, left = EXAMPLES[name]
    assert left is None or left.replace("\\", "").split("/PPO")[0].split("/DQN")[0] in says
