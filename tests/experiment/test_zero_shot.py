"""Tests on what was never trained, and what a decision costs."""

import json

import pytest
from stable_baselines3 import PPO

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model
from rl_attention.experiment.operations import count_operations
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate
from rl_attention.experiment.zero_shot import check_zero_shot, expand_tests

DOORKEY = "MiniGrid-DoorKey-5x5-v0"
TESTS = {
    "bigger": {"id": "MiniGrid-DoorKey-6x6-v0"},
    "shuffled": {"change": "shuffle"},
    "recoloured": {"change": "recolour"},
    "both": {"id": "MiniGrid-DoorKey-6x6-v0", "change": "recolour"},
    "sampled": {"deterministic": False},
}


def config(arm="attention", tests=TESTS, **changes):
    return validate(
        RunConfig,
        {
            "env": {"id": DOORKEY, "n_envs": 2},
            "n_timesteps": 32,
            "device": "cpu",
            "num_threads": 1,
            "arm": arm,
            "hyperparams": {"n_steps": 16},
            "extractor": {"width": 32},
            "recording": {"snapshots": 0},
            "eval": {"n_episodes": 2, "zero_shot": tests},
            **changes,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arm", "missing"),
    [
        ("attention", set()),
        ("mlp", set()),
        ("uniform", set()),
        ("cnn", {"shuffled"}),
        ("flat", {"shuffled", "recoloured", "both"}),
    ],
)
def test_every_test_is_evaluated_where_it_means_something(tmp_path, arm, missing):
    results = run_trial(config(arm), tmp_path)
    assert results.zero_shot.keys() == TESTS.keys()
    assert {name for name, found in results.zero_shot.items() if found is None} == missing
    for found in results.zero_shot.values():
        assert found is None or (found.n_eval_episodes == 2 and 0 <= found.success_rate <= 1)
    assert RunFolder(tmp_path).find_results(config(arm)) == results
    assert json.loads((tmp_path / "results.json").read_text())["settings"] == config(arm).dump()


@pytest.mark.slow
def test_tests_change_nothing_of_the_training(tmp_path):
    run_trial(config(), tmp_path / "with")
    run_trial(config(tests={}), tmp_path / "without")
    with_tests, without = (
        (tmp_path / name / "policy.safetensors").read_bytes() for name in ("with", "without")
    )
    assert with_tests == without


@pytest.mark.parametrize("given", [True, False])
def test_a_test_may_act_in_another_way(given):
    run = config(tests={"other": {"deterministic": not given}, "as_it_is": {"change": "shuffle"}})
    run = run.model_copy(update={"eval": run.eval.model_copy(update={"deterministic": given})})
    found = {name: test.eval.deterministic for name, test in expand_tests(run)}
    assert found == {"other": not given, "as_it_is": given}


def test_another_space_is_refused_before_anything_is_trained(tmp_path):
    other = config(tests={"box": {"id": "BoxWorld-6x6-v0"}})
    with pytest.raises(UserError, match=r"eval\.zero_shot\.box\.id: .* observations of .*DoorKey"):
        check_zero_shot(other)
    with pytest.raises(UserError, match=r"eval\.zero_shot\.box"):
        run_trial(other, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_environment_is_refused():
    with pytest.raises(UserError, match="MiniGrid-DoorKey-7x7-v0"):
        check_zero_shot(config(tests={"odd": {"id": "MiniGrid-DoorKey-7x7-v0"}}))


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ({"none": {}}, r"eval\.zero_shot\.none: .*got none of them"),
        ({"odd": {"change": "mirror"}}, r"eval\.zero_shot\.odd\.change"),
        ({"a b": {"change": "shuffle"}}, r"eval\.zero_shot"),
    ],
)
def test_what_is_no_test_is_refused(tests, message):
    with pytest.raises(UserError, match=message):
        config(tests=tests)


@pytest.mark.parametrize("algo", ["ppo", "dqn"])
def test_operations_are_counted_and_the_model_is_left_as_it_was(algo):
    hyperparams = {} if algo == "dqn" else {"n_steps": 16}
    run = config("mlp", {}, algo=algo, hyperparams=hyperparams)
    env = build_env(run)
    model = build_model(run, env)
    model.learn(32)
    before = model.policy.training
    first = count_operations(model)
    assert first == count_operations(model) > 0
    assert model.policy.training == before
    env.close()


def test_operations_of_a_plain_network_are_what_arithmetic_says():
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, device="cpu")
    model.learn(8)
    # 4-64-64-2, a multiplication and an addition each; the value has no part in a decision
    assert count_operations(model) == 2 * (4 * 64 + 64 * 64 + 64 * 2)
