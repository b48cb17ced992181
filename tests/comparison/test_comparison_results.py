import json
import subprocess
import sys

import pytest

from rl_attention.comparison import read_run, read_runs
from rl_attention.errors import UserError
from rl_attention.imitation_result import ImitationResult

DATA = {
    "env": "E",
    "arm": "mlp",
    "algo": "ppo",
    "seed": 3,
    "n_timesteps": 100,
    "n_eval_episodes": 10,
    "success_rate": 1,
    "mean_reward": 0.5,
    "frames_to_90": None,
    "parameters": {"extractor": 1, "policy": 2},
    "fps": 10.5,
    "entity_overflow": 0,
    "std_reward": 0.1,
    "curve": [[50, 0.5]],
    "versions": {"torch": "2"},
    "more": "is ignored",
}


def write(folder, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "results.json").write_text(text)
    return folder


def test_a_run_is_read(tmp_path):
    run = read_run(write(tmp_path, DATA))
    assert (run.arm, run.seed, run.frames_to_90, run.parameters) == ("mlp", 3, None, 2)
    assert run.success_rate == 1.0
    assert read_runs([tmp_path]) == [run]


def test_what_an_imitation_counted_is_read(tmp_path):
    assert read_run(write(tmp_path, DATA)).imitation is None
    counted = {
        "questions": 5000,
        "unanswered": 3,
        "bot_success": None,
        "held_out": 200,
        "epochs": 30,
        "accuracy": 0.95,
        "held_out_accuracy": 0.875,
        "labels_per_second": 900.0,
    }
    imitation = read_run(write(tmp_path, {**DATA, "imitation": counted})).imitation
    assert imitation == ImitationResult(**counted)
    with pytest.raises(UserError, match="held_out_accuracy"):
        read_run(write(tmp_path, {**DATA, "imitation": {**counted, "held_out_accuracy": 2}}))


@pytest.mark.parametrize("key", [key for key in DATA if key != "more"])
def test_a_missing_or_wrong_key_is_named(tmp_path, key):
    without = {name: value for name, value in DATA.items() if name != key}
    with pytest.raises(UserError, match=key):
        read_run(write(tmp_path, without))
    with pytest.raises(UserError, match=key):
        read_run(write(tmp_path, {**DATA, key: [True]}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"fps": NaN'])
def test_damaged_files_are_refused(tmp_path, text):
    with pytest.raises(UserError, match=r"results\.json: expected"):
        read_run(write(tmp_path, text))


def test_not_a_number_is_refused(tmp_path):
    with pytest.raises(UserError, match="fps: expected a finite number"):
        read_run(write(tmp_path, json.dumps(DATA).replace('"fps": 10.5', '"fps": 1e999')))
    with pytest.raises(UserError, match="expected JSON"):
        read_run(write(tmp_path, {**DATA, "fps": float("nan")}))


def test_an_unfinished_run_is_named(tmp_path):
    with pytest.raises(UserError, match="not finished"):
        read_run(tmp_path)


def test_comparison_needs_no_torch():
    code = (
        "import sys, rl_attention.comparison.table; print({'torch', 'gymnasium'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
