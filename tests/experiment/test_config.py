import os
from typing import get_args

import pytest
from parts_for_tests import FAMILY

from rl_attention.cli.compare import choose_arms
from rl_attention.errors import UserError
from rl_attention.experiment.compatibility import VIEWS_OF_ARM
from rl_attention.experiment.config import ExtractorConfig, RunConfig, ZeroShotConfig
from rl_attention.experiment.hyperparams import HYPERPARAMS
from rl_attention.experiment.overrides import flatten, merge, nest
from rl_attention.experiment.schedules import parse_schedule
from rl_attention.experiment.task_config import parse_task
from rl_attention.experiment.task_files import find_task, load_task, packaged_tasks
from rl_attention.experiment.validation import find_group, validate

ENV = {"env": {"id": "MiniGrid-DoorKey-5x5-v0"}}


def build(**changes):
    return validate(RunConfig, merge(ENV, changes))


def refusal(**changes):
    with pytest.raises(UserError) as caught:
        parse_task(merge(ENV, changes), source="task.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def leaves(model, prefix=""):
    for name, field in model.model_fields.items():
        group = find_group(model, name)
        yield f"{prefix}{name}", field
        if group is not None:
            yield from leaves(group, f"{prefix}{name}.")


@pytest.mark.parametrize("model", [RunConfig, ZeroShotConfig, *HYPERPARAMS.values()])
def test_every_field_says_what_it_is(model):
    for path, field in leaves(model):
        assert field.description, path


@pytest.mark.parametrize("algo", HYPERPARAMS)
@pytest.mark.parametrize("arm", VIEWS_OF_ARM)
def test_a_config_survives_a_round_trip(algo, arm):
    config = build(algo=algo, arm=arm)
    assert validate(RunConfig, config.dump()) == config
    assert isinstance(config.hyperparams, HYPERPARAMS[algo])


@pytest.mark.parametrize("arm", VIEWS_OF_ARM)
@pytest.mark.parametrize("view", ["entities", "cells", "pixels", "flat"])
def test_an_arm_takes_its_views_and_no_other(arm, view):
    if view in VIEWS_OF_ARM[arm]:
        assert build(arm=arm, env={"view": view}).env.view == view
    else:
        assert f"arm {arm!r} takes the view" in refusal(arm=arm, env={"view": view})


def test_an_arm_with_one_view_need_not_be_told():
    assert build(arm="flat").env.view == "flat"
    assert build(arm="cnn").env.view == "cells"


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"learning_rate": "3e-4"}, 3e-4),
        ({"learning_rate": "1e-4"}, 1e-4),
        ({"learning_rate": 1}, 1.0),
        ({"learning_rate": "lin_0.0003"}, "lin_0.0003"),
    ],
)
def test_numbers_are_read_as_people_write_them(changes, value):
    assert build(hyperparams=changes).hyperparams.learning_rate == value


def test_frames_may_have_an_exponent():
    assert build(n_timesteps="1e5").n_timesteps == 100_000
    assert build(n_timesteps=1.0e5).n_timesteps == 100_000


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"algo": "pppo"}, ["task.yaml: algo: expected", "'pppo'", "did you mean 'ppo'?"]),
        ({"algo": "sac"}, ["algo: expected 'ppo', 'a2c', 'dqn' or 'ppo_lstm', got 'sac'"]),
        ({"arm": "atention"}, ["arm: expected", "did you mean 'attention'?"]),
        ({"hyperparms": {}}, ["hyperparms: unknown key; did you mean 'hyperparams'?"]),
        ({"env": {"max_entitys": 3}}, ["env.max_entitys", "did you mean 'max_entities'?"]),
        ({"hyperparams": {"batchsize": 3}}, ["hyperparams.batchsize", "'batch_size'?"]),
        ({"algo": "dqn", "hyperparams": {"n_epochs": 3}}, ["hyperparams.n_epochs: unknown key"]),
        (
            {"hyperparams": {"lr": 3}},
            ["hyperparams.lr: unknown key; expected one of advantage_floor, batch_size"],
        ),
        ({"n_timesteps": "many"}, ["n_timesteps: expected a whole number, got 'many' (str)"]),
        ({"n_timesteps": 1.5}, ["n_timesteps: expected a whole number, got 1.5"]),
        ({"n_timesteps": True}, ["n_timesteps: expected a whole number, got True (bool)"]),
        ({"n_timesteps": 0}, ["n_timesteps: expected greater than or equal to 1, got 0"]),
        ({"seed": -1}, ["seed: expected greater than or equal to 0"]),
        ({"hyperparams": {"gamma": 1.5}}, ["hyperparams.gamma: expected less than", "1.5"]),
        ({"hyperparams": {"gamma": float("nan")}}, ["hyperparams.gamma: expected", "finite"]),
        ({"hyperparams": {"learning_rate": "fast"}}, ["expected a number above 0 or a linear"]),
        ({"hyperparams": {"learning_rate": "lin_x"}}, ["expected a number above 0 or a linear"]),
        ({"hyperparams": {"learning_rate": -1}}, ["expected a number above 0 or a linear"]),
        ({"hyperparams": {"clip_range": True}}, ["expected a number above 0 or a linear"]),
        ({"hyperparams": {"batch_size": 7}}, ["batch_size: expected a divisor", "2560, got 7"]),
        ({"hyperparams": {"n_steps": 1}, "env": {"n_envs": 1}}, ["n_steps x env.n_envs above 1"]),
        ({"extractor": {"n_heads": 5}}, ["n_heads: expected a divisor of extractor.width = 64"]),
        (
            {"env": {"view": "pixels"}, "extractor": {"patch_size": 5}},
            ["patch_size: expected a divisor of the view's 56 pixels, got 5"],
        ),
        (
            {"extractor": {"attention": "ego", "scope": "local"}},
            ["extractor.scope: 'local' relates tokens", "choose attention 'self'"],
        ),
        ({"extractor": {"position": "learned"}}, ["extractor.position: 'learned' needs an order"]),
        (
            {"arm": "mlp", "extractor": {"pooling": "max", "n_blocks": 0}},
            ["extractor.pooling: 'max' with n_blocks 0 attends to no entity"],
        ),
        ({"extractor": {"dropout": 1}}, ["extractor.dropout: expected less than 1"]),
        ({"attention_ent_coef": "much"}, ["attention_ent_coef: expected a number or a linear"]),
        ({"attention_ent_coef": float("inf")}, ["attention_ent_coef: expected a number or a"]),
        ({"env": {"normalize": True}}, ["env.normalize: expected false with the view 'entities'"]),
        ({"recording": {"snapshots": 1}}, ["recording.snapshots: expected 0 (none) or at least 2"]),
        (
            {"algo": "dqn", "hyperparams": {"exploration_initial_eps": 0.01}},
            ["exploration_final_eps: expected at most 0.01"],
        ),
        ({"net_arch": 64}, ["net_arch: expected a list, got 64"]),
        ({"env": 3}, ["env: expected a mapping, got 3"]),
        ({"env": {"id": 3}}, ["env.id: expected text, got 3"]),
        ({"device": "gpu"}, ["device: expected text that matches", "'gpu'"]),
        ({"label": "../up"}, ["label: expected text that matches"]),
        ({"seeds": []}, ["seeds: expected at least 1"]),
        (
            {"arms": {"deep": {"extractor": {"widht": 3}}}},
            ["arms.deep: extractor.widht", "'width'?"],
        ),
        ({"arms": {"a/b": {}}}, ["arms.a/b: label"]),
        ({"arms": ["mlp"]}, ["arms: expected a mapping"]),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(changes, parts):
    message = refusal(**changes)
    for part in parts:
        assert part in message


def test_a_missing_environment_is_named():
    with pytest.raises(UserError, match="env: required"):
        parse_task({})


@pytest.mark.parametrize("data", [None, 3, "text", [1]])
def test_a_file_without_settings_is_refused(data):
    with pytest.raises(UserError, match=r"t\.yaml: expected a mapping"):
        parse_task(data, source="t.yaml")


def test_more_mistakes_are_counted():
    assert refusal(algo=3, arm=4).endswith("(and 1 more)")


def test_arms_change_the_base():
    arms = {"mlp": None, "deep": {"extractor": {"n_blocks": 3}}}
    task = parse_task(merge(ENV, {"arms": arms, "seed": 9}))
    mlp, deep = task.run("mlp", 1), task.run("deep", 2)
    assert (mlp.arm, mlp.name, mlp.seed) == ("mlp", "mlp", 1)
    assert (deep.arm, deep.name, deep.seed) == ("attention", "deep", 2)
    assert deep.extractor.n_blocks == 3
    assert task.own_run(4).seed == 4


def test_an_arm_of_a_task_is_the_run_that_its_name_alone_gives():
    task = parse_task(merge(ENV, {"arms": {"mlp": {}}}))
    assert task.run("mlp", 3) == build(arm="mlp", seed=3)


@pytest.mark.parametrize(("arm", "view"), [("flat", "flat"), ("cnn", "cells")])
def test_an_arm_of_a_task_with_one_view_need_not_be_told(arm, view):
    task = parse_task(merge(ENV, {"arms": {"attention": {}, arm: {}}}))
    assert task.run(arm, 0).env.view == view
    assert task.run("attention", 0).env.view == "entities"
    assert parse_task(task.dump()) == task


def test_a_mistake_in_an_arm_names_the_file():
    with pytest.raises(UserError, match=r"^t\.yaml: arms\.a: extractor\.widht: unknown key"):
        parse_task(merge(ENV, {"arms": {"a": {"extractor": {"widht": 3}}}}), source="t.yaml")


def test_an_unknown_arm_is_refused():
    task = parse_task(merge(ENV, {"arms": {"mlp": {}}}))
    with pytest.raises(UserError, match="arm: expected one of mlp, got 'cnn'"):
        task.run("cnn", 0)


@pytest.mark.parametrize("algo", ["dqn", "a2c"])
def test_another_algorithm_starts_from_its_own_hyperparameters_but_for_the_discount(algo):
    task = merge(ENV, {"hyperparams": {"n_epochs": 3, "learning_rate": 1.0, "gamma": 0.8}})
    changed = validate(RunConfig, merge(task, {"algo": algo})).hyperparams
    assert changed == HYPERPARAMS[algo](gamma=0.8)
    assert validate(RunConfig, merge(task, {"algo": "ppo"})).hyperparams.n_epochs == 3


def test_an_algorithm_that_extends_another_keeps_what_both_have():
    """RecurrentPPO is PPO and an LSTM: with the same rollouts it has as many updates."""
    said = {"gamma": 0.8, "n_epochs": 8, "value_gain": 0.01, "n_steps": 20}
    arms = {"mlp": {}, "lstm": {"algo": "ppo_lstm", "hyperparams": {"n_epochs": 2}}}
    task = parse_task(merge(ENV, {"hyperparams": said, "arms": arms}))
    run = task.run("lstm", 0).hyperparams
    assert run == HYPERPARAMS["ppo_lstm"](**said | {"n_epochs": 2})
    assert parse_task(task.dump()).run("lstm", 0) == task.run("lstm", 0)
    assert choose_arms(task, "lstm").run("lstm", 0) == task.run("lstm", 0)
    lstm = {**ENV, "algo": "ppo_lstm", "hyperparams": {**said, "lstm_hidden_size": 8}}
    back = validate(RunConfig, merge(lstm, {"algo": "ppo"})).hyperparams
    assert back == HYPERPARAMS["ppo"](**said)


def test_nesting_and_flattening_undo_each_other():
    nested = {"a": {"b": 1, "c": {"d": [2]}}, "e": None}
    assert nest(flatten(nested)) == nested


def test_a_config_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        build().seed = 3


@pytest.mark.parametrize("name", packaged_tasks())
def test_every_packaged_task_is_valid(name):
    data, source = load_task(name)
    task = parse_task(data, source=source)
    assert task.arms
    assert parse_task(task.dump()) == task


def test_there_are_packaged_tasks():
    assert {"demo", "doorkey-5x5", "zoo-doorkey-5x5"} <= packaged_tasks().keys()


def test_a_task_is_found_by_path_or_name(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("")
    assert find_task(str(path)) == path
    assert load_task(str(path))[0] == {}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert find_task(str(pipe)) == pipe
    with pytest.raises(UserError, match="did you mean 'doorkey-5x5'"):
        find_task("dorkey-5x5")


@pytest.mark.parametrize("value", [0, -0.002, 1, "lin_0.005", "lin_-0.002", "-1e-3"])
def test_the_weight_of_entropy_may_have_either_sign(value):
    config = build(attention_ent_coef=value)
    initial, _ = parse_schedule(config.attention_ent_coef)
    assert initial == float(str(value).removeprefix("lin_"))
    assert validate(RunConfig, config.dump()) == config


@pytest.mark.parametrize(("option", "registry"), FAMILY.items())
def test_every_member_is_a_choice_of_the_config(option, registry):
    choices = get_args(ExtractorConfig.model_fields[option].annotation)
    # uniform weights are an arm of their own
    assert set(choices) == set(registry) - {"uniform"}
    for choice in choices:
        view = "cells" if choice == "learned" else "entities"
        config = build(env={"view": view}, extractor={option: choice})
        assert getattr(config.extractor, option) == choice


def test_the_members_task_has_every_member():
    data, source = load_task("members")
    task = parse_task(data, source=source)
    runs = [task.run(arm, 0) for arm in task.arms]
    for option, registry in FAMILY.items():
        chosen = {getattr(run.extractor, option) for run in runs}
        # the rows of entities say where they are: no position code is the default there
        assert set(registry) - chosen <= {"uniform", "none", "learned"}, option
    assert {run.extractor.n_heads for run in runs} > {4}
    assert {run.extractor.dropout for run in runs} > {0.0}
    assert any(run.attention_ent_coef > 0 for run in runs)
    assert any(run.attention_ent_coef < 0 for run in runs)


def test_a_config_that_reads_every_key_is_written_as_before_there_was_the_choice():
    plain = build()
    assert "ignored_keys" not in plain.dump()["extractor"]
    deaf = build(extractor={"ignored_keys": ["mission"]})
    assert deaf.dump()["extractor"]["ignored_keys"] == ["mission"]
    assert validate(RunConfig, deaf.dump()) == deaf


def test_who_reads_the_mission_does_not_ignore_it():
    with pytest.raises(UserError, match=r"extractor.attention: .*entities_to_words"):
        build(extractor={"attention": "entities_to_words", "ignored_keys": ["mission"]})
