import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from rl_attention.cli.sweep import Choice, command, make_executor
from rl_attention.errors import UserError
from rl_attention.experiment.suite_config import load_suite, parse_suite

COMMON = {
    "n_timesteps": 100,
    "hyperparams": {"gamma": 0.9, "n_steps": 8},
    "arms": {"attention": None, "flat": {"env": {"view": "flat"}}},
    "seeds": [3],
}
TASKS = {
    "empty": {"env": {"id": "E"}},
    "door": {"env": {"id": "D", "n_envs": 2}, "hyperparams": {"gamma": 0.8}},
    "dqn": {"env": {"id": "D"}, "algo": "dqn"},
}


def parse(**changes):
    return parse_suite({**COMMON, "tasks": TASKS, **changes}, name="file", source="s.yaml")


def test_each_task_changes_what_it_names():
    tasks = parse().tasks
    assert list(tasks) == ["empty", "door", "dqn"]
    door = tasks["door"].run("flat", 3)
    assert (door.env.id, door.env.n_envs, door.env.view) == ("D", 2, "flat")
    assert (door.hyperparams.gamma, door.hyperparams.n_steps) == (0.8, 8)
    assert tasks["empty"].run("attention", 3).hyperparams.gamma == 0.9
    # hyperparameters belong to their algorithm, but for the discount, which is the task's
    dqn = tasks["dqn"].run("attention", 3).hyperparams
    assert dqn.gamma == 0.9
    assert not hasattr(dqn, "n_steps")


def test_a_task_file_is_a_suite_of_one():
    suite = parse_suite({**COMMON, "env": {"id": "E"}}, name="file")
    assert list(suite.tasks) == ["file"]
    assert list(load_suite("doorkey-5x5").tasks) == ["doorkey-5x5"]


def test_a_task_without_a_change_may_be_written_alone():
    suite = parse(env={"id": "E"}, tasks={"as_it_is": None})
    assert suite.tasks["as_it_is"].env.id == "E"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_timestep": 3}, r"s.yaml: n_timestep: unknown key; did you mean 'n_timesteps'\?"),
        ({"tasks": {"a": {"env": {"id": "E"}, "sede": 1}}}, r"s.yaml: tasks.a: sede: unknown key"),
        ({"tasks": {"a": {"env": {"idd": "E"}}}}, r"s.yaml: tasks.a: env.id"),
        ({"tasks": {"a": {}}}, r"s.yaml: tasks.a: env: required"),
        ({"tasks": {}}, r"s.yaml: tasks: .*at least 1"),
        ({"tasks": [1]}, r"s.yaml: tasks: expected a mapping, got \[1\]"),
        ({"tasks": {"a": 3}}, r"s.yaml: tasks.a: expected a mapping, got 3"),
        ({"tasks": {"a b": {}}}, r"s.yaml: tasks.a b.*: expected text that matches"),
        ({"tasks": {"a": {"seeds": [1]}}}, r"s.yaml: tasks.a.seeds: expected a setting that"),
        ({"tasks": {"a": {"arms": {}}}}, r"s.yaml: tasks.a.arms: expected a setting that"),
        ({"arms": {}}, r"s.yaml: arms: expected at least one arm"),
        (
            {"arms": {"attention": {"extractor": {"width": 7}}}},
            r"s.yaml: tasks.empty: arms.attention: .*n_heads",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_where(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        parse(**changes)
    assert "\n" not in str(caught.value)


def test_a_suite_is_a_mapping():
    with pytest.raises(UserError, match=r"s.yaml: expected a mapping of settings, got list"):
        parse_suite([1], name="file", source="s.yaml")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(
        UserError, match="SUITE: no file and no packaged suite or task called 'dorkey-5x5'"
    ):
        load_suite("dorkey-5x5")


DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "cluster.md").read_text(encoding="utf-8")


def test_the_suite_of_its_page_is_one():
    page = (DOCS / "suites.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    suite = parse_suite(yaml.safe_load(text), name="page")
    assert {name: list(task.arms) for name, task in suite.tasks.items()} == {
        "doorkey": ["attention", "attention-cells", "mlp"],
        "boxworld": ["attention", "mlp"],
    }
    assert suite.arms == ("attention", "attention-cells", "mlp")


def test_a_part_of_a_suite_keeps_the_order_of_the_file():
    env = {"id": "E"}
    tasks = {"a": {"env": env, "without": ["uniform"], "n_timesteps": 64}, "b": {"env": env}}
    suite = parse(arms={"attention": {}, "uniform": {}, "mlp": {}}, tasks=tasks)
    assert suite.arms == ("attention", "uniform", "mlp")
    part = suite.select(arms=["mlp", "uniform"], seeds=[7])
    assert {name: list(task.arms) for name, task in part.tasks.items()} == {
        "a": ["mlp"],
        "b": ["uniform", "mlp"],
    }
    assert part.tasks["a"].seeds == (7,)
    assert list(suite.select(arms=["uniform"]).tasks) == ["b"]
    with pytest.raises(UserError, match="--arms: expected an arm that the tasks have, got uniform"):
        suite.select(tasks=["a"], arms=["uniform"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {"a": {"arm": "mlp", "label": "x"}}}, r"arms\.a\.label: expected no label"),
        ({"search": {}, "n_trials": 3}, "search: this is a tuning file"),
        (
            {"tasks": {"t": {"without": ["attention"]}}, "arms": {"attention": {}}},
            r"tasks\.t\.without: expected at least one arm to be left",
        ),
    ],
)
def test_what_a_suite_cannot_have(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        parse(**changes)
    assert str(caught.value).startswith("s.yaml: ")


def test_the_commands_of_the_cluster_page_have_only_options_that_there_are():
    lines = re.findall(r"^rl-attention sweep .*$", PAGE.replace("\\\n", " "), flags=re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        # click keeps the help option of the first context it makes: as the group makes it
        words, names = shlex.split(line, comments=True)[2:], {"help_option_names": ["-h", "--help"]}
        context = command.make_context("sweep", words, **names)
        assert make_executor(Choice(**choice_of(context.params)))


def choice_of(params):
    names = {field.name for field in fields(Choice)}
    return {name: value for name, value in params.items() if name in names}
