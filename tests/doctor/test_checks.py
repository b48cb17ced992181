import pytest
from patients_for_tests import (
    BYTES,
    DOORKEY,
    FLOATS,
    HEALTHY,
    PICTURE,
    SICK,
    TINY,
    Cars,
    Counts,
    MaskEnv,
    Textbook,
    Wide,
    dqn,
    normalized,
    ppo,
    stacked,
)
from spaces_for_tests import SPACES, N, SampleEnv, policy_for
from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env as make_plain

from rl_attention import AttentionExtractor
from rl_attention.doctor import CHECKS, SEVERITIES, diagnose, examine
from rl_attention_envs import make_vec_env


@pytest.mark.parametrize("name", SICK)
def test_a_sick_one_is_found(name):
    check, severity, make = SICK[name]
    found = [finding for finding in diagnose(make(), n_steps=30) if finding.check == check]
    assert [finding.severity for finding in found[:1]] == [severity]
    for finding in found:
        for line in (finding.where, finding.what, finding.fix):
            assert line
            assert "\n" not in line


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_one_is_left_alone(name):
    check, make = HEALTHY[name]
    report = examine(make(), n_steps=30)
    assert check in report.ran, report.skipped
    assert not [finding for finding in report.findings if finding.check == check]


@pytest.mark.parametrize("check", ["presence", "narrow_numbers", "frame_stack"])
def test_extractors_of_others_are_not_judged_by_what_ours_do(check):
    for make in (Cars, lambda: Wide(1e4)):
        report = examine(ppo(stacked(make), policy="MlpPolicy"), n_steps=30)
        assert report.skipped[check] == "the extractor reads observations in a way of its own"


def test_every_check_has_a_sick_and_a_healthy_patient():
    assert {check for check, *_ in SICK.values()} == CHECKS.keys()
    # without an attention module of torch there is nothing to look at
    assert {check for check, _ in HEALTHY.values()} == CHECKS.keys() - {"fast_path"}


def attention_on_minigrid():
    env = make_vec_env(DOORKEY, view="entities", n_envs=2, seed=0, backend="gymnasium")
    return ppo(env, AttentionExtractor, TINY), env


def pictures():
    return ppo(SampleEnv(PICTURE), policy="CnnPolicy"), SampleEnv(PICTURE)


def cart_pole():
    return ppo(make_plain("CartPole-v1", n_envs=2), policy="MlpPolicy"), None


def cart_pole_dqn():
    return dqn(make_plain("CartPole-v1"), policy="MlpPolicy"), None


def swimmer():
    box = SPACES["matrix"]
    env = SampleEnv(box, action_space=SPACES["entities and mask"]["entities"])
    return SAC("MlpPolicy", env, policy_kwargs={"net_arch": [8]}, buffer_size=8, device="cpu"), env


@pytest.mark.parametrize(
    "make", [attention_on_minigrid, pictures, cart_pole, cart_pole_dqn, swimmer]
)
def test_healthy_models_have_neither_errors_nor_warnings(make):
    model, env = make()
    report = examine(model, env=env, n_steps=60)
    assert report.healthy, report.findings
    assert "raises" not in report.summary()
    assert "built" not in report.summary()


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("make", [ppo, dqn])
def test_attention_is_healthy_on_every_space(name, make):
    env = SampleEnv(SPACES[name])
    report = examine(
        make(env, AttentionExtractor, TINY, policy_for(SPACES[name])), env=env, n_steps=30
    )
    assert report.healthy, report.findings
    tried = {"dropout", "state", "heads", *(["batch_dependence"] if make is ppo else [])}
    assert tried <= {*report.ran}, report.skipped


def test_nan_that_has_happened_is_an_error():
    env = MaskEnv(lambda row, step: row < 3 * (step % 2))
    found = diagnose(ppo(env, Textbook), env=env, n_steps=30)
    (nan,) = [finding for finding in found if finding.check == "fast_path"]
    assert nan.severity == "error"
    assert "'mask' is 0 throughout; so it was in" in nan.what


def test_the_numbers_are_told():
    (found,) = diagnose(MaskEnv(lambda row, step: True), n_steps=30)
    assert found.what.startswith(f"1 for all {N} tokens of all 31 observations, {31 * 3} of which")


def test_the_tensors_that_change_are_named():
    found = diagnose(ppo(SampleEnv(FLOATS), Counts))
    (state,) = [finding for finding in found if finding.check == "state"]
    assert state.what.startswith("3 tensors ")
    assert state.what.endswith(": calls, maps.1, maps.2")


def test_off_policy_models_keep_what_they_saw():
    report = examine(dqn(normalized(BYTES), policy="MlpPolicy"))
    assert report.skipped["normalized_bytes"] == "DQN is not on-policy"
    assert not report.findings


def test_the_worst_comes_first():
    env = make_plain(lambda: MaskEnv(lambda row, step: True))
    order = [
        SEVERITIES.index(finding.severity) for finding in diagnose(ppo(env, Textbook), env=env)
    ]
    assert len(order) > 1
    assert order == sorted(order)


def test_a_space_alone_says_what_it_can():
    report = examine(FLOATS)
    assert report.findings == ()
    assert report.skipped["mask"] == "needs observations: give an environment"
