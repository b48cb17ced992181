import json

import pytest
from click.testing import CliRunner

from rl_attention.cli.main import main

DATA = {
    "env": "MiniGrid-DoorKey-5x5-v0",
    "algo": "ppo",
    "n_timesteps": 1000,
    "n_eval_episodes": 10,
    "mean_reward": 0.5,
    "std_reward": 0.1,
    "frames_to_90": None,
    "curve": [[100, 0.1], [900, 0.7]],
    "parameters": {"extractor": 1, "policy": 2},
    "fps": 10.5,
    "entity_overflow": 0,
    "versions": {"numpy": "2.0"},
}


def call(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def write_run(folder, arm, seed, rate, **changes):
    place = folder / f"{arm}_s{seed}"
    place.mkdir(parents=True)
    told = {"arm": arm, "seed": seed, "env": {"id": DATA["env"], "view": "entities"}}
    data = {**DATA, "arm": arm, "seed": seed, "success_rate": rate, "settings": told, **changes}
    (place / "results.json").write_text(json.dumps(data))
    return place


@pytest.fixture
def runs(tmp_path):
    for seed in range(5):
        write_run(tmp_path / "runs", "attention", seed, 0.9)
        write_run(tmp_path / "runs", "mlp", seed, 0.2)
    return tmp_path / "runs"


def test_three_outputs_say_the_same(runs, tmp_path):
    page, text, numbers = (tmp_path / f"r.{end}" for end in ("html", "md", "json"))
    result = call(runs, "-o", page, "--markdown", text, "--json", numbers, "--title", "Ours")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == f"Wrote {page}"
    data = json.loads(numbers.read_text())
    assert data["title"] == "Ours"
    assert data["aggregate"]["versus"][0]["verdict"] == "attention is better"
    for file in (page, text):
        assert "attention is better" in file.read_text()
        assert "from the runs in" in file.read_text()


def test_few_seeds_warn_in_all_three(tmp_path):
    write_run(tmp_path / "runs", "mlp", 0, 0.5)
    files = [tmp_path / f"r.{end}" for end in ("html", "md", "json")]
    result = call(tmp_path / "runs", "-o", files[0], "--markdown", files[1], "--json", files[2])
    assert result.exit_code == 0
    for file in files:
        assert "only 1 seed in an arm" in file.read_text()


def test_the_order_of_the_places_changes_nothing(runs, tmp_path):
    places = sorted(runs.iterdir())
    for order, name in ((places, "a"), (places[::-1], "b")):
        assert call(*order, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_command_baseline_and_metric(runs, tmp_path):
    page, numbers = tmp_path / "r.html", tmp_path / "r.json"
    options = ("--command", "rl-attention sweep x", "--baseline", "attention")
    options += ("--metric", "mean_reward", "--json", numbers)
    assert call(runs, "-o", page, *options).exit_code == 0
    assert "<pre><code>rl-attention sweep x</code></pre>" in page.read_text()
    data = json.loads(numbers.read_text())
    assert (data["baseline"], data["metric"]) == ("attention", "mean_reward")


def test_a_kept_file_names_the_task_of_its_folder(runs, tmp_path):
    place = runs / "mlp_s0"
    data = json.loads((place / "results.json").read_text())
    kept = tmp_path / "mlp.result.json"
    kept.write_text(json.dumps({**data, "task": "named"}))
    numbers = tmp_path / "r.json"
    assert call(place, kept, "-o", tmp_path / "r.html", "--json", numbers).exit_code == 0
    assert list(json.loads(numbers.read_text())["tasks"]) == ["named"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "cnn"], "baseline: expected one of attention, mlp"),
        (["-o", "nowhere/r.html"], "-o: expected a file in an existing folder"),
        (["--markdown", "nowhere/r.md"], "--markdown: expected a file"),
        (["--json", "nowhere/r.json"], "--json: expected a file"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(runs, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = call(runs, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_places_without_a_run_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nowhere"):
        result = call(tmp_path / name, "-o", tmp_path / "r.html")
        assert result.exit_code == 2
        assert f"{tmp_path / name}: " in result.stderr


def test_two_different_runs_of_one_seed_are_refused_with_both_paths(runs, tmp_path):
    other = write_run(tmp_path / "other", "mlp", 0, 0.7)
    result = call(runs, tmp_path / "other", "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert str(other) in result.stderr
    assert str(runs / "mlp_s0") in result.stderr


def test_hostile_results_are_one_line(runs, tmp_path):
    deep = "[" * 5000 + "]" * 5000
    place = write_run(tmp_path / "other", "cnn", 0, 0.7)
    file = place / "results.json"
    file.write_text(file.read_text().replace('"view": "entities"', f'"view": {deep}'))
    result = call(runs, place, "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "r.html").exists()
