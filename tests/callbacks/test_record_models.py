"""Recording on real models of every supported kind of algorithm."""

import copy
import random

import numpy as np
import pytest
import torch

from rl_attention.errors import UserError
from rl_attention.recording import find_extractor, record

PATHS = {
    "ppo": "policy.pi_features_extractor",
    "ppo-unshared": "policy.pi_features_extractor",
    "a2c": "policy.pi_features_extractor",
    "dqn": "policy.q_net.features_extractor",
    "sac": "policy.actor.features_extractor",
    "td3": "policy.actor.features_extractor",
}


def follow(start, path):
    for name in path.split("."):
        start = getattr(start, name)
    return start


def test_the_extractor_that_acts_is_found(make_model, algorithm):
    model = make_model(algorithm)
    path, extractor = find_extractor(model)
    assert path == PATHS[algorithm]
    assert extractor is follow(model, path)


def test_what_was_looked_for_is_listed(make_model, plain_extractor):
    with pytest.raises(UserError) as error:
        find_extractor(make_model("ppo", extractor=plain_extractor))
    assert "pi_features_extractor (PlainExtractor without a Probe)" in str(error.value)
    assert "policy.q_net.features_extractor (absent)" in str(error.value)
    with pytest.raises(UserError, match="no attention to record in object"):
        find_extractor(object())


def test_record_gives_the_actors_map_of_the_given_batch(make_model, algorithm, observations):
    model = make_model(algorithm)
    (found,) = record(model, observations).values()
    assert found.name == "probe"
    assert found.weights.shape == (5, 2, 6, 6)
    assert np.array_equal(found.key_mask, observations["mask"] == 1)
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1, rtol=1e-6)
    _, extractor = find_extractor(model)
    with torch.no_grad():
        extractor.queries.weight.mul_(3)
    (other,) = record(model, observations).values()
    assert not np.array_equal(found.weights, other.weights)


@pytest.mark.parametrize("training", [True, False])
def test_record_leaves_no_trace(
    make_model, algorithm, observations, training, weights_of, assert_same
):
    model = make_model(algorithm)
    model.policy.set_training_mode(training)
    _, extractor = find_extractor(model)
    extractor.dropout.train(not training)  # mixed modes must come back mixed
    modes = [module.training for module in model.policy.modules()]
    before = copy.deepcopy(observations)
    weights, keys = weights_of(model), list(model.policy.state_dict())
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    states = torch.get_rng_state(), random.getstate()
    first = record(model, observations)
    second = record(model, observations)
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002
    assert states[1] == random.getstate()
    assert [module.training for module in model.policy.modules()] == modes
    assert list(model.policy.state_dict()) == keys
    assert_same(weights, weights_of(model))
    assert all(np.array_equal(observations[key], before[key]) for key in before)
    assert np.array_equal(first["probe"].weights, second["probe"].weights)
    assert all(p.grad is None for p in model.policy.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: {k: v for k, v in o.items() if k != "mask"}, r"lack \['mask'\]"),
        (lambda o: o | {"extra": o["mask"]}, r"hold \['extra'\]"),
        (lambda o: {k: v[0] for k, v in o.items()}, r"'entities' must be a batch of shape"),
        (lambda o: {k: v[:0] for k, v in o.items()}, "B > 0"),
    ],
    ids=["missing key", "strange key", "one observation", "empty"],
)
def test_observations_that_do_not_fit(make_model, observations, change, message):
    with pytest.raises(UserError, match=message):
        record(make_model("ppo"), change(observations))


def test_record_sees_through_a_compiled_extractor(make_model, observations):
    model = make_model("ppo")
    plain = record(model, observations)
    model.policy.features_extractor.compile(backend="eager")
    model.policy.predict(observations, deterministic=True)
    compiled = record(model, observations)
    assert np.array_equal(plain["probe"].weights, compiled["probe"].weights)


def test_images_may_come_channels_last():
    import gymnasium
    from gymnasium import spaces
    from stable_baselines3 import PPO
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    from rl_attention.nn.probe import Probe

    class ImageEnv(gymnasium.Env):
        observation_space = spaces.Box(0, 255, (6, 8, 3), np.uint8)
        action_space = spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            return np.zeros((6, 8, 3), np.uint8), {}

    class ImageExtractor(BaseFeaturesExtractor):
        def __init__(self, space):
            super().__init__(space, 3)
            self.probe = Probe(("query",), ("entities",))

        def forward(self, images):
            mask = torch.ones(len(images), 48, dtype=torch.bool)
            weights = self.probe(images[:, :1].flatten(2)[:, None], mask[:, :1], mask)
            return images.mean(dim=(2, 3)) * weights.sum()

    model = PPO("CnnPolicy", ImageEnv(), policy_kwargs={"features_extractor_class": ImageExtractor})
    images = np.arange(2 * 6 * 8 * 3).reshape(2, 6, 8, 3).astype(np.uint8)
    (found,) = record(model, images).values()
    np.testing.assert_allclose(found.weights[1, 0, 0], images[1, ..., 0].ravel() / 255, rtol=1e-6)
    (turned,) = record(model, images.transpose(0, 3, 1, 2)).values()
    assert np.array_equal(found.weights, turned.weights)
