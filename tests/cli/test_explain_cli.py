"""`explain` and `replay` on runs that were really trained, if only for a moment."""

import json

import pytest
from click.testing import CliRunner

from rl_attention.cli.main import main
from rl_attention.viewer import read_replay

TRAIN = [
    *("train", "--env", "MiniGrid-DoorKey-5x5-v0", "-n", "5120", "--no-progress"),
    *("--hyperparams.learning_rate", "3e-3", "--eval.n_episodes", "4"),
    *("--recording.snapshots", "3", "--num_threads", "1"),
]
LOOK = ["-n", "2", "--stochastic"]


def run(*words):
    found = CliRunner().invoke(main, list(map(str, words)))
    return found.exit_code, found.output


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for arm, seed in (("attention", 0), ("attention", 1), ("mlp", 0)):
        code, output = run(*TRAIN, "--arm", arm, "--seed", seed, "-f", folder)
        assert code == 0, output
        made[f"{arm}{seed}"] = folder / "MiniGrid-DoorKey-5x5-v0" / f"{arm}_ppo_s{seed}"
    return made


@pytest.mark.slow
def test_runs_are_explained(runs, tmp_path):
    file = tmp_path / "found.json"
    code, output = run("explain", runs["attention0"], *LOOK, "--states", 40, "--json", file)
    assert code == 0, output
    found = json.loads(file.read_text())
    assert (found["n_runs"], found["n_states"], found["removal"]) == (1, 40, "mask")
    assert found["verdict"]["text"].split(":")[0] == "attention"
    assert found["verdict"]["word"] in output
    assert {"attention", "gradient", "integrated_gradients", "nearest", "occlusion"} <= set(
        found["maps"]
    )
    again = tmp_path / "again.json"
    run("explain", runs["attention0"], *LOOK, "--states", 40, "--json", again)
    assert again.read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_seeds_are_explained_together(runs, tmp_path):
    file = tmp_path / "found.json"
    words = ("--states", 20, "--maps", "attention,nearest", "--json", file)
    code, output = run("explain", runs["attention0"], runs["attention1"], *LOOK, *words)
    assert code == 0, output
    found = json.loads(file.read_text())
    assert (found["n_runs"], found["n_states"]) == (2, 40)
    assert 0 < found["between_runs"] < 0.7


@pytest.mark.slow
def test_an_mlp_has_occlusion(runs, tmp_path):
    file = tmp_path / "found.json"
    code, output = run("explain", runs["mlp0"], *LOOK, "--states", 20, "--json", file)
    assert code == 0, output
    found = json.loads(file.read_text())
    assert found["verdict"] is None
    assert "No such map to judge here" in output
    assert "attention" not in found["maps"]
    assert "occlusion" in found["maps"]
    assert found["mechanisms"] == {}


@pytest.mark.slow
def test_what_if(runs, tmp_path):
    file = tmp_path / "found.json"
    words = ("--what-if", "remove key", "--expect", "attention:key:down", "--json", file)
    code, output = run("explain", runs["attention0"], *LOOK, *words)
    assert code == 0, output
    assert "confirmed on" in output
    assert json.loads(file.read_text())["share"]["mean"] == 1.0


@pytest.mark.slow
def test_a_replay_of_two_runs(runs, tmp_path):
    page, data = tmp_path / "replay.html", tmp_path / "replay.json"
    gif, png = tmp_path / "replay.gif", tmp_path / "replay.png"
    files = ("-o", page, "--json", data, "--gif", gif, "--png", png)
    code, output = run("replay", runs["attention0"], "--beside", runs["mlp0"], "-n", 1, *files)
    assert code == 0, output
    replay = read_replay(data)
    attention, mlp = replay.runs
    assert (attention.arm, mlp.arm) == ("attention", "mlp")
    assert attention.steps[0].frame is not None
    assert attention.frames[attention.steps[0].frame] == mlp.frames[mlp.steps[0].frame]
    assert len(attention.layers) == 3
    assert mlp.layers == []
    assert mlp.maps[0].id == "occlusion"
    assert [moment.step for moment in attention.probes[0].moments] == [0, 2560, 5120]
    assert attention.actions[:3] == ["left", "right", "forward"]
    assert page.stat().st_size < 3e6
    assert gif.read_bytes()[:3] == b"GIF"
    assert png.read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explain", "RUN", "--what-if", "remove key"], "--what-if and --expect together"),
        (["explain", "RUN", "--what-if", "remove key", "--expect", "luck"], "expected action=NAME"),
        (["explain", "RUN", "--temperature", "0"], "temperature: expected a number above 0"),
        (["explain", "nowhere"], "nowhere"),
        (["explain", "RUN", "--judge", "occlusion"], "another map to judge than occlusion"),
        (["explain", "RUN", "--judge", "attentoin"], "did you mean 'attention'"),
        (["explain", "RUN", "--maps", "norms"], "did you mean 'norm'"),
        (["explain", "RUN", "--removal", "burn"], "expected one of mask, empty, resample"),
        (
            ["explain", "RUN", "--what-if", "remove key", "--expect", "value:up", "--maps", "norm"],
            "--maps: has no effect with --what-if",
        ),
        (["replay", "nowhere"], "nowhere"),
        (["replay", "RUN", "-o", "no/where.html"], "expected a file in an existing folder"),
    ],
)
def test_mistakes_are_one_line(words, message, tmp_path):
    words = [tmp_path if word == "RUN" else word for word in words]
    code, output = run(*words)
    assert code == 2
    assert message in output
    assert "Traceback" not in output
