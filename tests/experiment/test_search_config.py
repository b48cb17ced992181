from copy import deepcopy
from pathlib import Path

import pytest
from tuning_for_tests import FILE

from rl_attention.errors import UserError
from rl_attention.experiment.search_config import SearchRange, load_tuning, parse_tuning
from rl_attention.experiment.validation import validate

RATE = "hyperparams.learning_rate"
PACKAGED = Path(__file__).parents[2] / "configs" / "suites" / "tuning.yaml"


def parse(**changes):
    return parse_tuning({**deepcopy(FILE), **changes}, name="file", source="t.yaml")


def limits(**fields):
    return validate(SearchRange, fields)


def test_what_is_drawn_lies_over_task_and_arm():
    arms = {"small": {"arm": "mlp", "hyperparams": {"learning_rate": 1e-3, "vf_coef": 0.1}}}
    config = parse(arms=arms)
    run = config.run("door", "small", 7, {RATE: 2e-3, "hyperparams.n_epochs": 2})
    assert (run.env.id, run.arm, run.name, run.seed) == (
        "MiniGrid-DoorKey-5x5-v0",
        "mlp",
        "small",
        7,
    )
    chosen = run.hyperparams
    assert (chosen.learning_rate, chosen.n_epochs, chosen.vf_coef, chosen.n_steps) == (
        2e-3, 2, 0.1, 8,
    )  # fmt: skip
    assert config.run("door", "small", 7, {}).hyperparams.learning_rate == 1e-3


def test_an_arm_chooses_its_view_as_in_a_comparison():
    assert parse(arms={"cnn": None}).run("door", "cnn", 0, {RATE: 1e-3}).env.view == "cells"


def test_a_task_file_may_be_searched_too():
    data = {key: value for key, value in FILE.items() if key != "tasks"}
    config = parse_tuning({**data, "env": {"id": "E"}}, name="file")
    assert list(config.suite.tasks) == ["file"]


def test_the_defaults_are_those_of_the_arm():
    own = {RATE: 5e-4, "hyperparams.n_epochs": 4, "hyperparams.gae_lambda": 0.95}
    assert parse().find_default("mlp") == own
    arms = {"mlp": {"hyperparams": {"learning_rate": 1e-3}}}
    assert parse(arms=arms).find_default("mlp") == {**own, RATE: 1e-3}


@pytest.mark.parametrize("value", [1e-4, "lin_0.001"])
def test_defaults_out_of_range_are_none(value):
    assert parse(hyperparams={"learning_rate": value}).find_default("mlp") is None


def test_defaults_that_differ_between_tasks_are_none():
    tasks = deepcopy(FILE["tasks"])
    tasks["door"]["hyperparams"] = {"gae_lambda": 0.9}
    assert parse(tasks=tasks).find_default("mlp") is None


def test_numbers_may_be_written_as_people_write_them():
    search = {RATE: {"low": "1e-4", "high": "1E-3", "log": True}, "n_timesteps": {"choices": ["8"]}}
    config = parse(search=search, n_trials="1e1")
    assert config.search[RATE].bounds == (1e-4, 1e-3)
    assert config.search["n_timesteps"].choices == (8.0,)
    assert config.n_trials == 10


def test_whole_bounds_draw_whole_numbers():
    assert limits(low=1, high=4).whole
    assert limits(low=1, high=128, log=True).whole
    assert not limits(low=0, high=1.0).whole
    assert limits(low=1, high=4).find(2.0) == 2
    assert limits(low=1, high=4).find(2.5) is None
    assert limits(low=0.0, high=1.0).find(1) == 1.0
    assert limits(low=0.0, high=1.0).find(True) is None
    assert limits(choices=[True, "a"]).find(1) is None
    assert limits(choices=[True, "a"]).find("a") == "a"


def test_the_packaged_file_is_valid_and_uses_no_seed_of_a_comparison():
    config = load_tuning(str(PACKAGED))
    assert config.arms == ("attention", "uniform", "mlp", "cnn")
    assert not set(config.seeds) & set(range(5))
    assert all(config.find_default(arm) for arm in config.arms)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {}}, r"search: expected at least 1"),
        ({"search": [1]}, r"search: expected a mapping, got"),
        ({"search": {RATE: 3}}, rf"search.{RATE}: expected a mapping, got 3"),
        ({"search": {RATE: {}}}, rf"search.{RATE}: expected low and high, or choices"),
        ({"search": {RATE: {"low": 1}}}, rf"search.{RATE}: expected low and high, or choices"),
        ({"search": {RATE: {"low": 2, "high": 1}}}, rf"search.{RATE}: expected low below high"),
        ({"search": {RATE: {"low": 1, "high": 1}}}, rf"search.{RATE}: expected low below high"),
        ({"search": {RATE: {"low": "a", "high": 1}}}, rf"search.{RATE}.low: expected a number"),
        ({"search": {RATE: {"low": True, "high": 2}}}, rf"search.{RATE}.low: expected a number"),
        ({"search": {RATE: {"low": 1, "high": float("inf")}}}, r"high: expected a number"),
        (
            {"search": {RATE: {"low": 0.0, "high": 1.0, "log": True}}},
            r"expected low above 0 with log: true",
        ),
        ({"search": {RATE: {"lo": 1, "high": 2}}}, rf"search.{RATE}.lo: unknown key"),
        ({"search": {RATE: {"choices": []}}}, r"choices: expected a list of at least one"),
        ({"search": {RATE: {"choices": 3}}}, r"choices: expected a list"),
        ({"search": {RATE: {"choices": [[1]]}}}, r"choices: expected numbers, texts"),
        ({"search": {RATE: {"choices": [1, 1.0]}}}, r"choices: expected each value once"),
        ({"search": {RATE: {"choices": [1], "low": 2}}}, r"expected choices alone"),
        ({"n_trials": 0}, r"n_trials: expected"),
        ({"n_trials": 2.5}, r"n_trials: expected a whole number"),
        ({"seed": 3, "serach": {}}, r"serach: unknown key"),
        ({"search": {"seed": {"low": 1, "high": 4}}}, r"search.seed: expected a setting of a run"),
        ({"search": {"arm": {"choices": ["mlp"]}}}, r"search.arm: expected a setting of a run"),
        (
            {"search": {"hyperparams.lerning_rate": {"low": 0.1, "high": 0.2}}},
            r"search.hyperparams.lerning_rate: .*unknown key; did you mean 'learning_rate'\?",
        ),
        (
            {"search": {RATE: {"low": -1.0, "high": 1.0}}},
            rf"search.{RATE}: expected values that make a valid run, got {RATE} -1.0 for task e",
        ),
        (  # the bounds are whole, what lies between them is not
            {"search": {"hyperparams.n_epochs": {"low": 1.0, "high": 4.0}}},
            r"search.hyperparams.n_epochs: .*expected a whole number",
        ),
        ({"search": {"n_timesteps.x": {"low": 1, "high": 4}}}, r"search.n_timesteps.x: expected"),
        ({"search": {"": {"low": 1, "high": 4}}}, r"search.'': "),
        (
            {
                "search": {
                    "extractor.width": {"choices": [64]},
                    "extractor.n_heads": {"choices": [3]},
                }
            },
            r"search: expected values .* got extractor.width 64, extractor.n_heads 3 for task",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(changes, message):
    with pytest.raises(UserError, match=rf"^t\.yaml: {message}|^t\.yaml: .*{message}") as caught:
        parse(**changes)
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_named():
    for key in ("search", "n_trials"):
        data = {name: value for name, value in FILE.items() if name != key}
        with pytest.raises(UserError, match=f"t.yaml: {key}: required"):
            parse_tuning(data, name="file", source="t.yaml")
    with pytest.raises(UserError, match=r"t.yaml: expected a mapping of settings, got list"):
        parse_tuning([], name="file", source="t.yaml")


def test_many_settings_are_looked_at_one_by_one():
    many = {f"extractor.{name}": {"low": 1, "high": 9} for name in ("n_latents", "radius", "top_k")}
    many |= {"hyperparams.gamma": {"low": 0.1, "high": 0.9}, RATE: {"low": 0.1, "high": 0.2}}
    many |= {"hyperparams.vf_coef": {"low": 0.1, "high": 0.9}}
    many |= {"hyperparams.ent_coef": {"low": 0.1, "high": 0.9}}
    assert len(parse(search=many).search) == 7
    with pytest.raises(UserError, match=r"search.hyperparams.gamma: .*got hyperparams.gamma 1.5"):
        parse(search={**many, "hyperparams.gamma": {"low": 0.1, "high": 1.5}})
