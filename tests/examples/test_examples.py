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

# timesteps, what it prints, the folder or file that it leaves
SUCCESS = r"success before training: \d+%.*\nsuccess after training: \d+%"
EXAMPLES = {
    "ppo_minigrid": (64, SUCCESS, "logs/ppo_minigrid"),
    "dqn_minigrid": (64, SUCCESS, None),
    "sac_entities": (200, r"mean reward: -\d+\.\d before training, -\d+\.\d after", None),
    "highway": (64, r"always braking: .*\d+%.*\ntrained: .*\d+%", "logs/highway"),
    "recurrent_ppo": (64, SUCCESS, None),
    "rl_zoo": (64, r"(?s)rl_zoo3\.train.*rl_zoo3\.enjoy.*Success rate", "logs/rl_zoo"),
    "own_env": (64, r"\n +4 .*\n +8 .*\n +16 .*\n +32 ", "own_env.zip"),
}
EPISODES = ("ppo_minigrid", "dqn_minigrid", "recurrent_ppo", "highway")
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
    fewer = ["--episodes", "4"] if name in EPISODES else []
    done = run([str(path), "--timesteps", str(timesteps), *fewer], tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(printed, done.stdout), done.stdout
    files = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert bool(files) == (left is not None), files
    assert all(file == left or file.startswith(f"{left}/") for file in files), files


def test_every_example_is_run_and_listed():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == set(EXAMPLES)
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\[(\w+)\.py\]\(\1\.py\)", table)) == names


@pytest.mark.parametrize("name", EXAMPLES)
def test_says_how_long_it_takes_what_it_leaves_and_what_was_seen(name):
    says = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))
    assert "minute" in says
    left = EXAMPLES[name][2]
    assert ("leaves nothing" if left is None else f"`{left}`") in says
    seen = says.partition("Seen")[2]
    assert re.search(r"\d", seen)
    assert not re.search(r"[A-Z]_[A-Z]", seen)  # a figure that was never filled in
