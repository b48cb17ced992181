import random

import gymnasium as gym
import numpy as np
import pytest
import torch
from patients_for_tests import FLOATS, SICK, SYMBOLS, Counts, Remembers, normalized, ppo
from spaces_for_tests import SampleEnv
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize
from torch import nn

from rl_attention.doctor import diagnose, examine
from rl_attention.doctor.sampling import draw, walk


def state_of(model):
    return {
        "weights": {name: value.clone() for name, value in model.policy.state_dict().items()},
        "modes": [module.training for module in model.policy.modules()],
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
        "gradients": [parameter.grad for parameter in model.policy.parameters()],
        "seen": model._last_obs,
    }


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return (
        torch.equal(one, other) if isinstance(one, torch.Tensor) else one is other or one == other
    )


@pytest.mark.parametrize("name", [name for name in SICK if "symbol" not in name])
def test_findings_are_the_same_each_time_and_the_model_stays(name):
    patient = SICK[name][2]()
    model = patient if hasattr(patient, "policy") else None
    before = state_of(model) if model else None
    first = diagnose(patient, n_steps=30)
    if model:
        assert same(state_of(model), before)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert diagnose(patient, n_steps=30) == first


def test_what_an_extractor_keeps_and_who_listens_stay():
    model = ppo(SampleEnv(FLOATS), Remembers)
    calls = []
    extractor = model.policy.features_extractor
    extractor.register_forward_hook(lambda *arguments: calls.append(1))
    kept = extractor.memory = torch.ones(3, requires_grad=True) * 2  # no leaf: cannot be copied
    model.policy.set_training_mode(True)
    assert [finding.check for finding in diagnose(model)] == ["state", "entity_order"]
    assert extractor.memory is kept
    assert not calls
    assert model.policy.training


def test_an_environment_that_can_be_made_again_is_not_stepped():
    env = gym.make("CartPole-v1")
    env.reset(seed=3)
    before = env.unwrapped.state.copy()
    report = examine(env, n_steps=20)
    assert "raises" not in report.summary()
    assert np.array_equal(env.unwrapped.state, before)


def test_the_environment_of_a_model_is_never_stepped_unless_it_is_given():
    env = SampleEnv(FLOATS)
    model = ppo(env, Counts)
    model._setup_learn(8)
    env.steps = 5
    report = examine(model)
    assert env.steps == 5
    assert report.skipped["mask"] == "needs 20 observations, got 1: say env="
    assert "mask" in examine(model, env=env).ran


def test_a_model_without_an_environment_is_examined_alone():
    model = ppo(SampleEnv(FLOATS))
    model.env = None
    report = examine(model)
    assert report.skipped["mask"] == "needs observations: the model has no environment, say env="
    assert "state" in report.ran


def test_running_means_do_not_move():
    env = VecFrameStack(normalized(SYMBOLS, norm_obs_keys=["speed"]), 2)
    inner = env.venv
    env.reset()
    count, mean = inner.obs_rms["speed"].count, inner.obs_rms["speed"].mean.copy()
    report = examine(env, n_steps=20)
    assert "raises" not in report.summary()
    assert (inner.obs_rms["speed"].count, inner.training) == (count, True)
    assert np.array_equal(inner.obs_rms["speed"].mean, mean)


def test_the_model_sees_raw_numbers_through_its_running_means():
    model = ppo(normalized(SYMBOLS, norm_obs_keys=["speed"]))
    model._setup_learn(8)
    assert "number_columns" in examine(model).ran


class Broken(SampleEnv):
    def step(self, action):
        raise RuntimeError("no\nsteps")


@pytest.mark.parametrize("many", [False, True])
def test_an_environment_that_raises_is_said_to(many):
    env = Broken(FLOATS)
    report = examine(DummyVecEnv([lambda: env]) if many else env)
    assert report.skipped["mask"] == "the environment raises RuntimeError: no steps"


class Raises(nn.Module):
    def forward(self, observations):
        raise KeyError("never")


def test_an_extractor_that_raises_is_said_to():
    model = ppo(SampleEnv(FLOATS), Counts)
    model.policy.features_extractor_class.forward, kept = Raises.forward, Counts.forward
    try:
        report = examine(model)
    finally:
        Counts.forward = kept
    assert report.skipped["state"] == "the extractor raises KeyError: 'never'"


def test_an_extractor_from_elsewhere_is_not_tried():
    model = ppo(SampleEnv(FLOATS), Counts)
    model.policy.features_extractor_class = Remembers
    report = examine(model)
    assert "was put into the policy" in report.skipped["state"]
    model.policy.features_extractor_kwargs = {"nothing": 1}
    assert "cannot be built again: TypeError" in examine(model).skipped["state"]


@pytest.mark.parametrize("nothing", [None, 3, "CartPole-v1"])
def test_what_is_no_patient_is_refused(nothing):
    with pytest.raises(TypeError, match="expected a model, an environment or a space"):
        diagnose(nothing)


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(-np.inf, np.inf, (3,)),
        gym.spaces.Box(np.float32(-3e38), np.float32(3e38), (3,)),
        gym.spaces.Box(0.0, np.inf, (2, 2), np.float64),
        gym.spaces.Box(-(2**63), 2**63 - 1, (3,), np.int64),
        gym.spaces.Box(5000, 6000, (3,), np.int64),
        gym.spaces.Box(-3, 4, (), np.int8),
        gym.spaces.Discrete(4, start=2),
        gym.spaces.MultiDiscrete([2, 5]),
        gym.spaces.MultiBinary((2, 3)),
    ],
)
def test_what_is_drawn_lies_in_the_space_and_is_moderate(space):
    drawn = draw(space, np.random.default_rng(0), 20)
    assert drawn.shape == (20, *space.shape)
    assert all(np.asarray(one) in space for one in drawn.astype(space.dtype))
    assert np.isfinite(drawn).all()
    if isinstance(space, gym.spaces.Box) and space.low.min() < 1000:
        assert np.abs(drawn.astype(np.float64)).max() <= 1e3


def test_walking_is_seeded_and_ends_episodes():
    one, other = (walk(gym.make("CartPole-v1"), seed=4, n_steps=60) for _ in range(2))
    assert np.array_equal(one["observation"], other["observation"])
    assert one["observation"].shape == (61, 4)
    many = DummyVecEnv([lambda: gym.make("CartPole-v1")] * 3)
    assert walk(VecNormalize(many), seed=4, n_steps=90)["observation"].shape == (93, 4)
