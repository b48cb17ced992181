import json
import re
import shlex

import pytest
import yaml
from click.testing import CliRunner

from rl_attention.cli.imitating import refuse_idle_options
from rl_attention.cli.main import main
from rl_attention.errors import UserError

LEVEL = "BabyAI-GoToLocal-v0"
SMALL = shlex.split(
    "--env.n_envs 4 --extractor.width 8 --extractor.n_heads 2 --extractor.features_dim 8 "
    "--extractor.feedforward 8 --net_arch [8] --recording.n_probes 1 --recording.snapshots 2 "
    "--recording.faithfulness false --eval-episodes 4 --device cpu --num-threads 1"
)
IMITATE = shlex.split("--labels 60 --imitation.held_out 40 --imitation.n_epochs 1")
FOLDER = f"runs/{LEVEL}/attention_bc_s0"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(main, ["pretrain", "--env", LEVEL, *SMALL, *IMITATE])
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture
def call(home, monkeypatch):
    monkeypatch.chdir(home[0])

    def run(*arguments):
        return CliRunner().invoke(main, arguments)

    return run


def refused(result):
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Environments:")]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_pretrain_says_what_came_of_it(home):
    _, result = home
    assert f"{LEVEL}, attention, bc, seed 0" in result.output
    assert re.search(r"labels +60, ", result.output)
    assert "held-out steps" in result.output
    assert "frames" not in result.output


def test_the_folder_can_be_evaluated_and_pretrained_once(call):
    assert call("eval", FOLDER).exit_code == 0
    again = call("pretrain", "--env", LEVEL, *SMALL, *IMITATE)
    assert "is already finished" in again.stderr
    other = call("pretrain", "--env", LEVEL, *SMALL, *IMITATE, "--imitation.n_epochs", "2")
    assert "imitation.n_epochs is 1 there, 2 here" in refused(other)


@pytest.mark.slow
def test_the_folder_can_be_explained_and_replayed(call):
    explained = call("explain", FOLDER, "--episodes", "4", "--states", "32")
    assert explained.exit_code == 0, explained.output
    replayed = call("replay", FOLDER, "-n", "1", "-o", "page.html")
    assert replayed.exit_code == 0, replayed.output


def test_train_from_takes_over_task_and_network(home, call):
    result = call(
        *("train", "--from", FOLDER, "-n", "64", "-f", "tuned", "--hyperparams.n_steps", "16"),
        *("--recording.snapshots", "0", "--eval-episodes", "4", "--num-threads", "1"),
    )
    assert result.exit_code == 0, result.output
    folder = home[0] / "tuned" / LEVEL / "attention_ppo_s0"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    there = yaml.safe_load((home[0] / FOLDER / "config.yaml").read_text())
    for name in ("env", "algo", "arm", "extractor", "net_arch"):
        assert config[name] == there[name]
    assert config["init"]["path"] == FOLDER
    assert "imitation" not in config
    assert json.loads((folder / "results.json").read_text())["frames"] == 64


@pytest.mark.slow
def test_train_from_takes_over_the_size_of_a_memory(home, call):
    learn = (*SMALL, "-n", "64", "--hyperparams.n_steps", "16")
    lstm = ("--algo", "ppo_lstm", "--hyperparams.lstm_hidden_size", "8")
    assert call("train", "--env", LEVEL, *learn, *lstm).exit_code == 0
    there = f"runs/{LEVEL}/attention_ppo_lstm_s0"
    on = ("-n", "64", "-f", "on", "--hyperparams.n_steps", "16", "--recording.snapshots", "0")
    result = call("train", "--from", there, *on, "--eval-episodes", "4")
    assert result.exit_code == 0, result.output
    config = yaml.safe_load(
        (home[0] / "on" / LEVEL / "attention_ppo_lstm_s0/config.yaml").read_text()
    )
    assert config["hyperparams"]["lstm_hidden_size"] == 8
    assert "of another kind" in refused(call("train", "--from", there, "--algo", "ppo"))


def test_what_is_refused_leaves_no_folder(home, call):
    refused(call("train", "--env", LEVEL, "-f", "none", "--extractor.ignored_keys", "[nope]"))
    assert list((home[0] / "none").glob("**/*")) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pretrain"], "expected --env ID or --config FILE"),
        (["pretrain", "--env", LEVEL, "--method", "gail"], "imitation.method: expected 'bc'"),
        (["pretrain", "--env", LEVEL, "--labels", "many"], "imitation.labels: expected a whole"),
        (["pretrain", "--env", LEVEL, "--labels", "0"], "imitation.labels: expected"),
        (["pretrain", "--env", LEVEL, "-n", "100"], "-n: expected --imitation.labels"),
        (["pretrain", "--env", LEVEL, "--labels="], "imitation.labels: expected a whole"),
        (["pretrain", "--env", LEVEL, "--method", ""], "imitation.method: expected 'bc'"),
        (
            ["pretrain", "--env", LEVEL, "--labels", "9", "--imitation.labels", "8"],
            "--labels: expected this or --imitation.labels, got both",
        ),
        (["pretrain", "--env", LEVEL, "--checkpoint.every", "9"], "--checkpoint.every: expected n"),
        (["pretrain", "--env", LEVEL, "--imitation.rounds", "2"], "expected --imitation.method d"),
        (["train", "--env", LEVEL, "--imitation.decay", "0"], "expected --imitation.method dagger"),
        (["train", "--env", LEVEL, "--imitation.labels", "9", "-n", "8"], "-n: expected --imitat"),
        (
            ["compare", "--env", LEVEL, "--imitation.labels", "9", "--hyperparams.gamma", "0.5"],
            "--hyperparams.gamma: expected none",
        ),
        (["pretrain", "--env", LEVEL, "--learning-rate", "1"], "--imitation.learning_rate"),
        (["pretrain", "--env", LEVEL, "-params", "gamma:0.9"], "hyperparams.gamma: expected none"),
        (["pretrain", "--env", LEVEL, "--algo", "dqn"], "expected ppo or a2c"),
        (["pretrain", "--env", LEVEL, "--imitation.roundz", "2"], "--imitation.rounds"),
        (["pretrain", "--env", "MiniGrid-DoorKey-5x5-v0"], "expected an environment of BabyAI"),
        (["pretrain", "--env", "BoxWorld-6x6-v0"], "expected an environment of BabyAI"),
        (["train", "--from", "nowhere"], "expected a run folder"),
        (["train", "--from", FOLDER, "--arm", "mlp"], "the arm 'mlp'"),
        (["train", "--from", FOLDER, "--extractor.width", "16"], "extractor.width 16"),
        (["train", "--from", FOLDER, "--env", "BabyAI-GoToSeq-v0"], "sees what this one sees"),
        (["train", "--from", FOLDER, "--env.n_frames", "4"], "env.n_frames is None, here 4"),
        (["train", "--from", FOLDER, "--imitation.labels", "5"], "init: expected none"),
    ],
)
def test_mistakes_are_one_line(call, arguments, says):
    assert says in refused(call(*arguments))


def test_an_option_that_one_arm_of_a_file_can_use_is_not_refused():
    both = {"clone": {}, "dagger": {"imitation": {"method": "dagger"}}}
    mixed = {"clone": {}, "reward": {"imitation": None}}
    refuse_idle_options({"imitation": {"rounds": 2}}, {"imitation": {}, "arms": both})
    refuse_idle_options({"n_timesteps": 9}, {"imitation": {}, "arms": mixed})
    with pytest.raises(UserError, match=r"-n: expected --imitation\.labels"):
        refuse_idle_options({"n_timesteps": 9}, {"imitation": {}, "arms": both})
