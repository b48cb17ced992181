"""Models that give and take extractors, small enough for a test."""

import importlib

import numpy as np
import pytest
import torch
from gymnasium import spaces
from spaces_for_tests import SPACES, SampleEnv, policy_for, symbol_box
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention import AttentionExtractor
from rl_attention.exchange.places import find_extractors

TINY = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}
ON_POLICY = {"n_steps": 16, "batch_size": 16}
OFF_POLICY = {"buffer_size": 100, "learning_starts": 8, "batch_size": 8}
ALGORITHMS = {
    # name: (package, settings, options of the policy, how many extractors it has)
    "PPO": ("stable_baselines3", ON_POLICY, {}, 1),
    "PPO apart": ("stable_baselines3", ON_POLICY, {"share_features_extractor": False}, 2),
    "A2C": ("stable_baselines3", {"n_steps": 8}, {}, 1),
    "DQN": ("stable_baselines3", OFF_POLICY, {}, 2),
    "SAC": ("stable_baselines3", OFF_POLICY, {}, 3),
    "SAC shared": ("stable_baselines3", OFF_POLICY, {"share_features_extractor": True}, 2),
    "TD3": ("stable_baselines3", OFF_POLICY, {}, 4),
    "TRPO": ("sb3_contrib", ON_POLICY, {}, 1),
    "MaskablePPO": ("sb3_contrib", ON_POLICY, {"share_features_extractor": False}, 2),
    "RecurrentPPO": ("sb3_contrib", ON_POLICY, {"lstm_hidden_size": 8}, 1),
    "QRDQN": ("sb3_contrib", OFF_POLICY, {"n_quantiles": 5}, 2),
    "TQC": ("sb3_contrib", OFF_POLICY, {}, 3),
}
CONTINUOUS = ("SAC", "TD3", "TQC")
SPACE = SPACES["everything"]


class MaskedEnv(SampleEnv):
    """Says which actions may be taken, for MaskablePPO."""

    def action_masks(self):
        return np.array([True, True, False])


def find_class(name):
    package, *_ = ALGORITHMS[name]
    reason = f"{package} is not installed: pip install 'rl-attention[contrib]'"
    pytest.importorskip(package, reason=reason)
    return getattr(importlib.import_module(package), name.split()[0])


def make(name, space=SPACE, extractor=AttentionExtractor, options=TINY, *, seed=0, **policy_kwargs):
    """A model that has learnt nothing; every weight of its extractors is another."""
    _, settings, more, _ = ALGORITHMS[name]
    actions = spaces.Box(-1.0, 1.0, (2,)) if name.split()[0] in CONTINUOUS else None
    kwargs = {
        "features_extractor_class": extractor,
        "features_extractor_kwargs": dict(options),
        "net_arch": [16],
    }
    policy = policy_for(space)
    model = find_class(name)(
        policy.replace("Policy", "LstmPolicy") if name == "RecurrentPPO" else policy,
        MaskedEnv(space, actions),
        seed=seed,
        device="cpu",
        policy_kwargs={**kwargs, **more, **policy_kwargs},
        **settings,
    )
    for found in find_extractors(model).values():
        scatter(found)
    return model


def scatter(module):
    """Move every weight, so that no two modules are alike and none is as it was built."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def observations(policy, count=12):
    space = policy.observation_space
    space.seed(7)
    samples = [space.sample() for _ in range(count)]
    stacked = {key: np.stack([sample[key] for sample in samples]) for key in samples[0]}
    return policy.obs_to_tensor(stacked)[0]


def features(policy, extractor):
    """What an extractor makes of fixed observations, after Stable-Baselines3's preprocessing."""
    with torch.no_grad():
        return extractor(preprocess_obs(observations(policy), policy.observation_space))


def with_rows(rows, **changes):
    """The space with another number of entities, and other parts."""
    parts = {**SPACE.spaces, "entities": symbol_box(rows), "mask": spaces.MultiBinary(rows)}
    return spaces.Dict({key: part for key, part in {**parts, **changes}.items() if part})
