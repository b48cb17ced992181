"""Trained on few entities, run on more and in any order, without training again."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces_for_tests import SampleEnv
from stable_baselines3.common.preprocessing import preprocess_obs
from test_matrix import ALGORITHMS, SMALL, find_class

from rl_attention import AttentionExtractor, MLPExtractor, record
from rl_attention.recording import find_extractor

FEW, MORE, COLUMNS = 4, 11, 3
NAMES = ["PPO", "DQN", "SAC", "TD3", "RecurrentPPO", "TQC"]


def space(n_entities):
    return spaces.Dict(
        entities=spaces.Box(-1.0, 1.0, (n_entities, COLUMNS)),
        mask=spaces.MultiBinary(n_entities),
        speed=spaces.Box(-1.0, 1.0, (2,)),
    )


def env(n_entities, continuous):
    return SampleEnv(space(n_entities), spaces.Box(-1.0, 1.0, (2,)) if continuous else None)


def train(name, folder, extractor=AttentionExtractor, **options):
    algorithm = ALGORITHMS[name]
    policy = "MultiInputLstmPolicy" if name == "RecurrentPPO" else "MultiInputPolicy"
    policy_kwargs = {
        "features_extractor_class": extractor,
        "features_extractor_kwargs": options or SMALL,
        **algorithm.policy_kwargs,
    }
    model = find_class(name)(
        policy,
        env(FEW, algorithm.continuous),
        policy_kwargs=policy_kwargs,
        seed=0,
        device="cpu",
        **algorithm.settings,
    )
    model.learn(32).save(folder / "model")
    return model


def load_for_more(name, folder):
    """What the README says: SB3 itself, told of the larger space."""
    return find_class(name).load(
        folder / "model",
        env=env(MORE, ALGORITHMS[name].continuous),
        custom_objects={"observation_space": space(MORE)},
        device="cpu",
    )


def observations(n_rows=6):
    generator = np.random.default_rng(0)
    return {
        "entities": generator.uniform(-1, 1, (n_rows, FEW, COLUMNS)).astype(np.float32),
        "mask": generator.integers(0, 2, (n_rows, FEW)).astype(np.int8),
        "speed": generator.uniform(-1, 1, (n_rows, 2)).astype(np.float32),
    }


def widened(seen, order):
    """The same entities somewhere among more slots; the rest is garbage behind the mask."""
    n_rows = len(seen["mask"])
    entities = np.full((n_rows, MORE, COLUMNS), 0.77, np.float32)
    mask = np.zeros((n_rows, MORE), np.int8)
    entities[:, order[:FEW]], mask[:, order[:FEW]] = seen["entities"], seen["mask"]
    return {**seen, "entities": entities, "mask": mask}


def act(model, seen):
    return model.predict(seen, deterministic=True)[0]


def features(model, seen):
    """Few discrete actions can agree by chance; what they are chosen by does not."""
    tensors, _ = model.policy.obs_to_tensor(seen)
    with torch.no_grad():
        return find_extractor(model)[1](preprocess_obs(tensors, model.observation_space)).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_a_model_for_few_runs_on_more(name, tmp_path):
    model = train(name, tmp_path)
    wider = load_for_more(name, tmp_path)
    seen = observations()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(MORE)
        more = widened(seen, order)
        np.testing.assert_allclose(act(wider, more), act(model, seen), atol=1e-5)
        np.testing.assert_allclose(features(wider, more), features(model, seen), atol=1e-5)
    crowd = {**seen, "entities": np.tile(seen["entities"], (1, 3, 1))[:, :MORE]}
    crowd["mask"] = np.ones((6, MORE), np.int8)
    assert np.isfinite(act(wider, crowd)).all()
    assert {found.key_mask.shape[1] for found in record(wider, crowd).values()} <= {MORE, MORE + 1}


@pytest.mark.parametrize("name", ["PPO", "DQN", "SAC"])
def test_a_wider_model_learns_on(name, tmp_path):
    train(name, tmp_path)
    wider = load_for_more(name, tmp_path)
    before = [value.detach().clone() for value in wider.policy.parameters()]
    wider.learn(32)
    assert any(
        not torch.equal(a, b) for a, b in zip(before, wider.policy.parameters(), strict=True)
    )


def test_an_mlp_cannot(tmp_path):
    train("PPO", tmp_path, MLPExtractor, width=16)
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_for_more("PPO", tmp_path)


@pytest.fixture(scope="module")
def untrained():
    """A model of each kind of policy, as it starts."""
    extractor = {"features_extractor_class": AttentionExtractor}
    extractor["features_extractor_kwargs"] = SMALL
    return [
        find_class(name)(
            "MultiInputPolicy",
            env(FEW, ALGORITHMS[name].continuous),
            policy_kwargs=extractor,
            seed=0,
            device="cpu",
            **ALGORITHMS[name].settings,
        )
        for name in ("PPO", "DQN", "SAC")
    ]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(order=st.permutations(range(FEW)), seed=st.integers(0, 2**16))
def test_the_order_of_the_entities_changes_no_action(untrained, order, seed):
    generator = np.random.default_rng(seed)
    seen = observations()
    seen["entities"] = generator.uniform(-1, 1, seen["entities"].shape).astype(np.float32)
    turned = {**seen, "entities": seen["entities"][:, order], "mask": seen["mask"][:, order]}
    for model in untrained:
        np.testing.assert_allclose(act(model, turned), act(model, seen), atol=1e-5)
        np.testing.assert_allclose(features(model, turned), features(model, seen), atol=1e-5)
