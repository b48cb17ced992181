"""Every algorithm that a policy of ours is for, small enough for a test."""

import importlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from gymnasium import spaces
from spaces_for_tests import SPACES, F, N
from worlds_for_tests import MaskedEnv

from rl_attention import policies

SPACES_OF_POLICIES = {**SPACES, "bounded matrix": spaces.Box(-1.0, 1.0, (N, F))}
ON_POLICY = {"n_steps": 16, "batch_size": 16}
OFF_POLICY = {"buffer_size": 200, "learning_starts": 16, "batch_size": 8}
EXTRACTOR = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}


@dataclass(frozen=True)
class Algorithm:
    """Where an algorithm is, the policy for it, and how it is made small."""

    package: str
    policy: str
    settings: dict[str, Any]
    continuous: bool = False
    shares: bool = True
    space: str = "everything"
    policy_kwargs: dict[str, Any] = field(default_factory=dict)


ALGORITHMS = {
    "PPO": Algorithm("stable_baselines3", "AttentionActorCriticPolicy", ON_POLICY),
    "A2C": Algorithm("stable_baselines3", "AttentionActorCriticPolicy", {"n_steps": 8}),
    "DQN": Algorithm("stable_baselines3", "AttentionDQNPolicy", OFF_POLICY, shares=False),
    "SAC": Algorithm("stable_baselines3", "AttentionSACPolicy", OFF_POLICY, continuous=True),
    "TD3": Algorithm("stable_baselines3", "AttentionTD3Policy", OFF_POLICY, continuous=True),
    "DDPG": Algorithm("stable_baselines3", "AttentionTD3Policy", OFF_POLICY, continuous=True),
    "TRPO": Algorithm("sb3_contrib", "AttentionActorCriticPolicy", ON_POLICY),
    "MaskablePPO": Algorithm("sb3_contrib", "AttentionMaskableActorCriticPolicy", ON_POLICY),
    "RecurrentPPO": Algorithm(
        "sb3_contrib",
        "AttentionRecurrentActorCriticPolicy",
        ON_POLICY,
        policy_kwargs={"lstm_hidden_size": 8, "n_lstm_layers": 2},
    ),
    "QRDQN": Algorithm("sb3_contrib", "AttentionQRDQNPolicy", OFF_POLICY, shares=False),
    "TQC": Algorithm("sb3_contrib", "AttentionTQCPolicy", OFF_POLICY, continuous=True),
    "CrossQ": Algorithm(
        "sb3_contrib",
        "AttentionCrossQPolicy",
        OFF_POLICY,
        continuous=True,
        space="bounded matrix",
    ),
    "ARS": Algorithm(
        "sb3_contrib",
        "AttentionARSPolicy",
        {"n_delta": 2, "n_top": 1, "zero_policy": False},
        shares=False,
    ),
}
SHARED_OR_NOT = [
    (name, share)
    for name, algorithm in ALGORITHMS.items()
    for share in ((True, False) if algorithm.shares else (None,))
]


def find_class(name):
    """The algorithm's class; the test is skipped where its package is missing."""
    package = ALGORITHMS[name].package
    reason = f"{package} is not installed: pip install 'rl-attention[contrib]'"
    pytest.importorskip(package, reason=reason)
    return getattr(importlib.import_module(package), name)


def make(name, space=None, *, share=None, extractor=EXTRACTOR, **policy_kwargs):
    """A small model whose policy is given by class and whose options are plain values."""
    algorithm = ALGORITHMS[name]
    space = SPACES_OF_POLICIES[space or algorithm.space]
    cls = find_class(name)
    actions = spaces.Box(-1.0, 1.0, (2,)) if algorithm.continuous else None
    shared = {} if share is None else {"share_features_extractor": share}
    return cls(
        getattr(policies, algorithm.policy),
        MaskedEnv(space, actions),
        seed=0,
        device="cpu",
        policy_kwargs={
            "features_extractor_kwargs": dict(extractor),
            "net_arch": [16],
            **shared,
            **algorithm.policy_kwargs,
            **policy_kwargs,
        },
        **algorithm.settings,
    )


def actor_extractor(policy):
    """The extractor that the actions come from."""
    for owner in ("actor", "q_net", "quantile_net"):
        if hasattr(policy, owner):
            return getattr(policy, owner).features_extractor
    return policy.features_extractor


def critic_extractor(policy):
    """The extractor that the values come from."""
    return policy.critic.features_extractor if _has_critic(policy) else policy.vf_features_extractor


def _has_critic(policy):
    return getattr(policy, "critic", None) is not None
