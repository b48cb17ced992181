"""A model that got an extractor goes on training: with it, or around it."""

import pytest
import torch
from exchange_for_tests import SPACE, TINY, make, same, weights

from rl_attention import AttentionExtractor, load_extractor, save_extractor
from rl_attention.errors import UserError
from rl_attention.exchange.places import find_extractors, find_optimizers

QUICK = ["PPO", "A2C", "DQN"]
OTHERS = ["PPO apart", "SAC", "SAC shared", "TD3", "MaskablePPO", "RecurrentPPO", "QRDQN", "TQC"]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in OTHERS]


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "attention.safetensors"
    save_extractor(make("PPO"), path)
    return path


def learning(model):
    """The extractors that gradients reach, without the target networks."""
    return {path: one for path, one in find_extractors(model).items() if "target" not in path}


def others(model):
    state = model.policy.state_dict()
    return {name: t.clone() for name, t in state.items() if "features_extractor" not in name}


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_frozen_extractors_stay_and_the_rest_learns(name, stored, tmp_path):
    model = make(name, seed=1).learn(32)  # gradients and moments are there already
    load_extractor(stored, model, freeze=True)
    assert all(p.grad is None for one in learning(model).values() for p in one.parameters())
    expected = AttentionExtractor(SPACE, **TINY)
    load_extractor(stored, expected)
    before = others(model)
    model.learn(48)
    for extractor in learning(model).values():
        assert same(weights(extractor), weights(expected))
    for path, extractor in find_extractors(model).items():
        # a target network is mixed of two that are equal, and rounded
        for tensor, other in zip(extractor.parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(tensor, other, msg=path)
    assert not same(before, others(model))
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model", env=model.get_env(), device="cpu")
    assert same(weights(loaded.policy), weights(model.policy))
    loaded.learn(48)
    for extractor in learning(loaded).values():
        assert not same(weights(extractor), weights(expected))  # it learns again


@pytest.mark.parametrize("name", ["PPO", pytest.param("SAC", marks=pytest.mark.slow)])
def test_weight_decay_leaves_frozen_weights_alone(name, stored):
    decay = {"optimizer_kwargs": {"weight_decay": 0.5}}
    model = make(name, seed=1, **decay)
    load_extractor(stored, model, freeze=True)
    before = [weights(extractor) for extractor in learning(model).values()]
    model.learn(32)
    after = [weights(extractor) for extractor in learning(model).values()]
    assert all(map(same, before, after))


def test_trpo_cannot_freeze(stored):
    model = make("TRPO", seed=1)
    before = weights(model.policy)
    with pytest.raises(UserError, match=r"freeze: .* got TRPO, .*: leave it out, or"):
        load_extractor(stored, model, freeze=True)
    assert same(weights(model.policy), before)
    assert all(parameter.requires_grad for parameter in model.policy.parameters())


@pytest.mark.parametrize("name", ["PPO", "DQN", pytest.param("SAC", marks=pytest.mark.slow)])
def test_moments_of_other_weights_are_forgotten(name, stored):
    model = make(name, seed=1).learn(32)
    replaced = {id(p) for one in find_extractors(model).values() for p in one.parameters()}
    known = {id(p) for optimizer in find_optimizers(model) for p in optimizer.state}
    assert known & replaced
    load_extractor(stored, model)
    left = {id(p) for optimizer in find_optimizers(model) for p in optimizer.state}
    assert left == known - replaced
    groups = [group["params"] for o in find_optimizers(model) for group in o.param_groups]
    assert replaced & {id(parameter) for group in groups for parameter in group}
    before = weights(model.policy)
    model.learn(32)
    assert not same(before, weights(model.policy))


def test_what_is_frozen_stays_frozen_until_it_is_said(stored):
    model = make("PPO")
    load_extractor(stored, model, freeze=True)
    load_extractor(stored, model)
    extractor = model.policy.features_extractor
    assert not any(parameter.requires_grad for parameter in extractor.parameters())
    assert all(p.requires_grad for p in model.policy.mlp_extractor.parameters())
    extractor.requires_grad_(True)
    before = weights(extractor)
    model.learn(32)
    assert not same(before, weights(extractor))
