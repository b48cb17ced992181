import json
import re
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from rl_attention.cli.common import wants_bars
from rl_attention.cli.errors import Failure, failures_logged
from rl_attention.cli.hyperparams import spread
from rl_attention.cli.main import COMMANDS, main
from rl_attention.cli.options import find_leaves
from rl_attention.cli.suites import parse_seeds
from rl_attention.errors import UserError

DOORKEY = "MiniGrid-DoorKey-5x5-v0"


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, arguments)

    return run


def refused(result):
    assert result.exit_code == 2, result.output
    assert re.fullmatch(r"Error: .+\n", result.stderr), result.stderr
    return result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(call, name):
    for flag in ("--help", "-h"):
        result = call(name, flag)
        assert result.exit_code == 0
        assert "Usage:" in result.output
    assert name in call("--help").output


@pytest.mark.parametrize("name", ["train", "compare", "config"])
def test_every_field_is_an_option_with_its_description(call, name):
    text = " ".join(call(name, "--help").output.split())
    for leaf in find_leaves():
        assert f"--{leaf.path}" in text
        assert leaf.field.description.split()[0] in text


@pytest.mark.parametrize("name", ["train", "compare", "config"])
@pytest.mark.parametrize(
    "option",
    [
        *("--algo", "--env", "-n", "--seed", "-params", "-conf", "--n-envs", "--vec-env"),
        *("--num-threads", "--device", "--eval-episodes"),
        *("--env-id", "--total-timesteps", "--num-envs", "--learning-rate"),
    ],
)
def test_spellings_of_rl_zoo_and_cleanrl_are_known(call, name, option):
    assert re.search(rf"(^|[ ,]){option}[ ,]", call(name, "--help").output, re.MULTILINE)


def test_config_prints_the_whole_resolved_file(call):
    result = call("config", "--env", DOORKEY, "-n", "1e4", "--net_arch", "[32, 16]")
    assert result.exit_code == 0
    printed = yaml.safe_load(result.stdout)
    assert printed["env"]["id"] == DOORKEY
    assert printed["n_timesteps"] == 10_000
    assert printed["net_arch"] == [32, 16]
    assert printed["hyperparams"]["gamma"] == 0.99


def test_settings_with_names_of_their_own_are_one_option(call):
    tests = {"shuffled": {"change": "shuffle"}, "sampled": {"deterministic": False}}
    result = call("config", "--env", DOORKEY, "--eval.zero_shot", str(tests))
    assert result.exit_code == 0, result.stderr
    found = yaml.safe_load(result.stdout)["eval"]["zero_shot"]
    assert found["shuffled"]["change"] == "shuffle"
    assert found["sampled"]["deterministic"] is False
    wrong = ("--eval.zero_shot", "{shuffled: {change: shufle}}")
    assert "eval.zero_shot.shuffled.change: expected" in refused(
        call("config", "--env", DOORKEY, *wrong)
    )


def test_what_config_prints_is_a_task_file(call, tmp_path):
    first = call("config", "--config", "doorkey-5x5", "--seed", "4").stdout
    (tmp_path / "again.yaml").write_text(first)
    assert call("config", "--config", "again.yaml").stdout == first


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["--env.max_entities", "12"], "env.max_entities", 12),
        (["--hyperparams.learning_rate", "3e-4"], "hyperparams.learning_rate", 3e-4),
        (["--learning-rate", "lin_0.1"], "hyperparams.learning_rate", "lin_0.1"),
        (["--hyperparams.target_kl", "null"], "hyperparams.target_kl", None),
        (["-params", "gamma:0.9", "n_epochs:2", "--seed", "1"], "hyperparams.n_epochs", 2),
        (["--hyperparams", "gamma:0.9"], "hyperparams.gamma", 0.9),
        (["--algo", "dqn", "--hyperparams.tau", "0.5"], "hyperparams.tau", 0.5),
        (["--arm", "flat", "--env.normalize", "true"], "env.normalize", True),
        (["--arm", "flat"], "env.view", "flat"),
        (["--label", "1e3"], "label", "1e3"),
    ],
)
def test_every_kind_of_value_can_be_overridden(call, arguments, path, value):
    printed = yaml.safe_load(call("config", "--env", DOORKEY, *arguments).stdout)
    for part in path.split("."):
        printed = printed[part]
    assert printed == value


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["trian"], ["'trian'", "did you mean 'train'?"]),
        (["--colour"], ["No such option"]),
        (["train"], ["expected --env ID or --config FILE"]),
        (["train", "--env", "MiniGrid-DoorKey-5x5"], [DOORKEY]),
        (["train", "--env", DOORKEY, "--sede", "3"], ["--sede", "--seed"]),
        (["train", "--env", DOORKEY, "--algo", "sac"], ["algo: expected 'ppo'", "'sac'"]),
        (
            ["train", "--env", DOORKEY, "--arm", "unifrom"],
            ["arm: expected", "did you mean 'uniform'?"],
        ),
        (["train", "--env", DOORKEY, "--seed", "x"], ["seed: expected a whole number, got 'x'"]),
        (["train", "--env", DOORKEY, "--hyperparams.gama", "1"], ["--hyperparams.gamma"]),
        (["train", "--env", DOORKEY, "-params", "gama:1"], ["did you mean 'gamma'?"]),
        (["train", "--env", DOORKEY, "-params", "gamma"], ["expected name:value, got 'gamma'"]),
        (["train", "--env", DOORKEY, "-params", "gamma:["], ["--hyperparams gamma: line 1"]),
        (["train", "--env", DOORKEY, "-params"], ["requires an argument"]),
        (["train", "--env", DOORKEY, "--net_arch", "[1"], ["--net_arch: line 1: not plain YAML"]),
        (["train", "--env", DOORKEY, "--device", "cuda:99"], ["device: expected a device"]),
        (["train", "--config", "dorkey-5x5"], ["did you mean 'doorkey-5x5'?"]),
        (["train", "--config", "bad.yaml"], ["bad.yaml: n_timestep: unknown key", "n_timesteps"]),
        (["train", "--config", "list.yaml"], ["list.yaml: expected a mapping"]),
        (["train", "--env", DOORKEY, "-f", "file"], ["--log-folder"]),
        (["train", "--env", DOORKEY, "-f", "file/below"], ["cannot be written", "-f/--log-folder"]),
        (["compare", "--env", DOORKEY, "--arms", "mlp,foo"], ["--arms: expected some of", "'foo'"]),
        (["compare", "--env", DOORKEY, "--seeds", "3-1"], ["--seeds: expected 0-4 or 0,1,7"]),
        (["compare", "--env", DOORKEY, "--baseline", "cnn"], ["--baseline: expected one of"]),
        (["compare", "--env", DOORKEY, "--json", "no/x.json"], ["existing folder, got no/x.json"]),
        (["compare", "--env", DOORKEY, "-f", "file/below"], ["cannot be written"]),
        (
            ["compare", "--env", DOORKEY, "--arms", "mlp,mlp", "--seeds", "0,0"],
            ["share the folder"],
        ),
        (["compare", "--env", "Nope-v0"], ["'Nope-v0'"]),
        (["compare", "--env", DOORKEY, "--seed", "3"], ["expected --seeds"]),
        (["compare", "--env", DOORKEY, "--label", "x"], ["--label", "task file"]),
        (["compare", "--env", DOORKEY, "--json", ""], ["--json"]),
        (["compare", "--config", "two.yaml"], ["one environment for all arms"]),
        (["demo", "--json", "no/x.json"], ["existing folder, got no/x.json"]),
        (["train", "--env", DOORKEY, "-tb", "file/below"], ["-tb/--tensorboard-log"]),
        (["train", "--env", DOORKEY, "-f", "a" * 300], ["cannot be read"]),
        (["train", "--config", "a" * 300], ["--config", "cannot be read"]),
        (["eval", "a" * 300], ["cannot be read"]),
        (["eval", "nowhere"], ["nowhere: expected a run folder"]),
        (["tensorboard", "nowhere"], ["expected a folder of runs, got nowhere"]),
        (["envs", "nowhere"], ["none contains it"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, tmp_path, arguments, parts):
    (tmp_path / "bad.yaml").write_text(f"env: {{id: {DOORKEY}}}\nn_timestep: 3\n")
    (tmp_path / "list.yaml").write_text("[1]\n")
    other = "{attention: , mlp: {env: {id: MiniGrid-DoorKey-6x6-v0}}}"
    (tmp_path / "two.yaml").write_text(f"env: {{id: {DOORKEY}}}\narms: {other}\n")
    (tmp_path / "file").write_text("")
    message = refused(call(*arguments))
    for part in parts:
        assert part in message


def test_a_missing_extra_is_named(call, monkeypatch):
    monkeypatch.setattr("rl_attention_envs.backends.envpool_installed", lambda: False)
    message = refused(call("train", "--env", DOORKEY, "--env.backend", "envpool"))
    assert "rl-attention[fast]" in message


def test_a_folder_with_another_config_is_refused(call, tmp_path):
    from rl_attention.experiment.run_folder import RunFolder
    from rl_attention.experiment.task_config import parse_task

    other = parse_task({"env": {"id": DOORKEY}, "n_timesteps": 77}).own_run(0)
    RunFolder(tmp_path / "runs" / DOORKEY / "attention_ppo_s0").begin(other)
    message = refused(call("train", "--env", DOORKEY, "-n", "88"))
    assert "n_timesteps is 77 there, 88 here" in message


def test_envs_lists_ids_with_their_backends(call):
    result = call("envs", "doorkey-5x5")
    assert result.exit_code == 0
    assert re.fullmatch(rf"{DOORKEY}  .*gymnasium\n", result.stdout)


def test_tensorboard_gets_room_for_every_image(call, tmp_path):
    result = call("tensorboard", str(tmp_path), "--dry-run", "--port", "7000")
    assert result.exit_code == 0
    assert "--samples_per_plugin images=200" in result.stdout
    assert "--host localhost --port 7000" in result.stdout
    assert "bind_all" not in result.stdout


def test_a_failure_is_one_line_with_exit_code_1_and_all_of_it_with_debug(call, monkeypatch):
    import rl_attention.experiment.environments as environments

    def broken():
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(environments, "list_environments", broken)
    result = call("envs")
    assert result.exit_code == 1
    assert result.stderr == "Error: RuntimeError: two lines (--debug shows all)\n"
    assert isinstance(call("envs", "--debug").exception, RuntimeError)


def test_a_failure_without_a_message_is_its_name(call, monkeypatch):
    import rl_attention.experiment.environments as environments

    def broken():
        raise MemoryError

    monkeypatch.setattr(environments, "list_environments", broken)
    assert call("envs").stderr == "Error: MemoryError (--debug shows all)\n"


def test_ctrl_c_is_exit_code_130(call, monkeypatch):
    import rl_attention.experiment.environments as environments

    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr(environments, "list_environments", stopped)
    result = call("envs")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_a_failure_leaves_its_traceback_in_the_log(tmp_path):
    log = tmp_path / "run" / "log.txt"
    line = r"ZeroDivisionError: .*; the traceback is in .*log\.txt"
    with pytest.raises(Failure, match=line), failures_logged(log):
        1 / 0  # noqa: B018
    assert "Traceback" in log.read_text()
    with pytest.raises(UserError), failures_logged(tmp_path / "none"):
        raise UserError("mine")
    assert not (tmp_path / "none").exists()


def test_hyperparameters_are_spread():
    assert spread(["-params", "a:1", "b:2", "-n", "3"]) == [
        "-params", "a:1", "-params", "b:2", "-n", "3",
    ]  # fmt: skip
    assert spread(["--hyperparams", "a:1", "x"]) == ["-params", "a:1", "x"]
    assert spread(["-n", "a:1"]) == ["-n", "a:1"]


def test_seeds_are_read():
    assert parse_seeds("0-2,7") == [0, 1, 2, 7]
    for bad in ("", "-1", "1-", "0-99999", "a"):
        with pytest.raises(UserError, match="--seeds"):
            parse_seeds(bad)


def test_bars_are_for_terminals_and_off_in_ci(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.delenv("CI", raising=False)
    assert wants_bars(True)
    assert not wants_bars(False)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert wants_bars(None)
    monkeypatch.setenv("CI", "true")
    assert not wants_bars(None)
    assert wants_bars(True)


def test_the_version_is_told(call):
    from rl_attention.version import __version__

    assert __version__ in call("--version").stdout


TINY = ["--env", DOORKEY, "-n", "64", "--n-envs", "2", "--arm", "mlp", "--recording.snapshots", "0"]
TINY += ["--eval-episodes", "2", "-params", "n_steps:8", "--num-threads", "1", "--device", "cpu"]


def test_train_then_eval_then_train_again(call, tmp_path):
    result = call("train", *TINY, "-tb", "events")
    assert result.exit_code == 0, result.output
    folder = f"runs/{DOORKEY}/mlp_ppo_s0"
    assert f"rl-attention eval {folder}" in result.stdout
    assert list((tmp_path / "events").rglob("events.out.tfevents*"))
    assert not (tmp_path / folder / "tensorboard").exists()

    result = call("eval", folder, "--json", "eval.json", "--seed", "0")
    assert result.exit_code == 0, result.output
    there = json.loads((tmp_path / folder / "results.json").read_text())
    again = json.loads((tmp_path / "eval.json").read_text())
    assert again["mean_reward"] == there["mean_reward"]
    more = call("eval", folder, "-n", "3", "--stochastic", "--device", "cpu", "--seed", "5")
    assert "3 episodes" in more.stdout

    result = call("train", *TINY)
    assert result.exit_code == 0
    assert "already finished" in result.stderr


def test_compare_reads_finished_runs(call, tmp_path):
    assert call("train", *TINY).exit_code == 0
    result = call("compare", *TINY, "--arms", "mlp", "--seeds", "0", "--json", "table.json")
    assert result.exit_code == 0, result.output
    assert "1 of 1 runs are finished" in result.stderr
    assert "only 1 seed" in result.stdout
    assert "[one seed]" in result.stdout
    table = json.loads((tmp_path / "table.json").read_text())
    assert table["rows"][0]["arm"] == "mlp"


@pytest.mark.parametrize(
    "name", ["train", "compare", "sweep", "eval", "doctor", "envs", "demo", "config"]
)
def test_help_loads_nothing_heavy(name):
    code = (
        "import sys, importlib; importlib.import_module(f'rl_attention.cli.{sys.argv[1]}'); "
        "print({'torch', 'minigrid', 'scipy', 'envpool'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr
