"""`policy.load` of Stable-Baselines3 makes one extractor of two, and now says so."""

import copy
import importlib
import io
import pickle
import warnings

import cloudpickle
import numpy as np
import pytest
import torch
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import A2C, PPO

from rl_attention import AttentionExtractor, MLPExtractor, policies

SPACE = SPACES["everything"]
TINY = {"width": 16, "features_dim": 12}
FAULTY = ["PPO", "A2C", "TRPO", "MaskablePPO", "RecurrentPPO"]
OURS = {
    "PPO": "AttentionActorCriticPolicy",
    "MaskablePPO": "AttentionMaskableActorCriticPolicy",
    "RecurrentPPO": "AttentionRecurrentActorCriticPolicy",
}
WARNING = "policy whose actor and critic have an extractor each, and this policy shares one"


class MaskedEnv(SampleEnv):
    def action_masks(self):
        return np.array([True, True, False])


def find_class(name):
    if name in ("PPO", "A2C"):
        return {"PPO": PPO, "A2C": A2C}[name]
    pytest.importorskip("sb3_contrib", reason="pip install 'rl-attention[contrib]'")
    return getattr(importlib.import_module("sb3_contrib"), name)


def make(name, policy=None, *, share=False, extractor=AttentionExtractor):
    default = "MultiInputLstmPolicy" if name == "RecurrentPPO" else "MultiInputPolicy"
    return find_class(name)(
        policy or default,
        MaskedEnv(SPACE),
        n_steps=8,
        seed=0,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": extractor,
            "features_extractor_kwargs": TINY,
            "share_features_extractor": share,
            "net_arch": [8],
        },
        **({} if name == "A2C" else {"batch_size": 8}),
    )


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("extractor", [AttentionExtractor, MLPExtractor])
def test_two_made_one_is_said(name, extractor, tmp_path):
    model = make(name, extractor=extractor)
    model.policy.save(tmp_path / "policy.pth")
    with pytest.warns(UserWarning, match=WARNING) as caught:
        loaded = type(model.policy).load(tmp_path / "policy.pth", device="cpu")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for part in ("model.save and load", "rl_attention.policies", "share_features_extractor"):
        assert part in str(caught[0].message)
    # what it warns of is so
    assert loaded.share_features_extractor
    critic = model.policy.vf_features_extractor.state_dict()
    for key, value in loaded.pi_features_extractor.state_dict().items():
        assert torch.equal(value, critic[key])


@pytest.mark.parametrize("name", FAULTY)
def test_shared_ones_load_in_silence(name, tmp_path):
    model = make(name, share=True)
    model.policy.save(tmp_path / "policy.pth")
    for _ in range(2):
        loaded = type(model.policy).load(tmp_path / "policy.pth", device="cpu")
        loaded.load_state_dict(model.policy.state_dict())
    model.save(tmp_path / "model")
    type(model).load(tmp_path / "model", device="cpu")


@pytest.mark.parametrize("name", FAULTY)
def test_models_come_back_whole_in_silence(name, tmp_path):
    model = make(name)
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model", device="cpu")
    loaded.set_parameters(model.get_parameters())
    assert not loaded.policy.share_features_extractor
    for key, value in loaded.policy.state_dict().items():
        assert torch.equal(value, model.policy.state_dict()[key])


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("share", [True, False])
def test_our_policies_load_in_silence(name, share, tmp_path):
    find_class(name)
    model = make(name, getattr(policies, OURS[name]), share=share)
    model.policy.save(tmp_path / "policy.pth")
    loaded = type(model.policy).load(tmp_path / "policy.pth", device="cpu")
    assert loaded.share_features_extractor is share


def test_weights_of_two_set_in_one_are_said_each_time():
    apart, shared = make("PPO"), make("PPO", share=True)
    for _ in range(2):
        with pytest.warns(UserWarning, match=WARNING):
            shared.policy.load_state_dict(apart.policy.state_dict())
    shared.policy.load_state_dict(shared.policy.state_dict())
    apart.policy.load_state_dict(shared.policy.state_dict())


def test_a_part_of_the_weights_is_nobodys_fault():
    apart, shared = make("PPO"), make("PPO", share=True)
    state = apart.policy.state_dict()
    for prefix in ("vf_", "pi_"):
        part = {key: value for key, value in state.items() if key.startswith(prefix)}
        shared.policy.load_state_dict(part, strict=False)


def test_weights_of_another_size_fail_as_ever():
    apart, shared = make("PPO"), make("PPO", share=True)
    state = {key: torch.zeros(1) for key in apart.policy.state_dict()}
    with pytest.raises(RuntimeError, match="size mismatch"):
        shared.policy.load_state_dict(state)


def test_weights_that_are_not_finite_are_compared_too():
    shared = make("PPO", share=True)
    with torch.no_grad():
        shared.policy.features_extractor.global_token.fill_(float("nan"))
    shared.policy.load_state_dict(shared.policy.state_dict())


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "cloudpickle": lambda thing: cloudpickle.loads(cloudpickle.dumps(thing)),
    "torch": lambda thing: through_torch(thing),
}


def through_torch(thing):
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_says_so_too(way):
    apart, shared = make("PPO"), make("PPO", share=True)
    again = COPIES[way](shared.policy)
    with pytest.warns(UserWarning, match=WARNING):
        again.load_state_dict(apart.policy.state_dict())
    alone = COPIES[way](shared.policy.features_extractor)
    assert alone.built_with == ((), TINY)
    alone.load_state_dict(shared.policy.features_extractor.state_dict())


def test_it_is_no_hook_and_no_key():
    shared = make("PPO", share=True)
    extractor = shared.policy.features_extractor
    alone = AttentionExtractor(SPACE, **TINY)
    assert list(extractor.state_dict()) == list(alone.state_dict())
    assert extractor.merges
    for module in shared.policy.modules():
        assert not module._forward_hooks
        assert not module._load_state_dict_pre_hooks
        assert not module._load_state_dict_post_hooks


def test_what_it_was_built_with_is_kept():
    assert AttentionExtractor(SPACE, 12, width=16).built_with == ((12,), {"width": 16})
    assert AttentionExtractor(SPACE).built_with == ((), {})
    named = AttentionExtractor(observation_space=SPACE, features_dim=12)
    assert named.built_with == ((), {"features_dim": 12})


def test_what_it_was_built_with_is_its_own():
    keys, ids = ["entities"], {"entities": [0]}
    extractor = AttentionExtractor(SPACE, 12, entity_keys=keys, categorical_columns=ids)
    keys.append("more")
    ids["entities"].append(7)
    given = {"entity_keys": ["entities"], "categorical_columns": {"entities": [0]}}
    assert extractor.built_with == ((12,), given)


def test_training_says_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make("PPO").learn(16)
