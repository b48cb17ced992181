"""The policies for Stable-Baselines3's own algorithms."""

from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy

from rl_attention.policies.base import PUBLIC, AttentionPolicy
from rl_attention.policies.value_head import AttentionValuePolicy


class AttentionActorCriticPolicy(AttentionValuePolicy, ActorCriticPolicy):
    """For PPO, A2C, and TRPO of sb3-contrib."""

    __module__ = PUBLIC


class AttentionDQNPolicy(AttentionPolicy, DQNPolicy):
    """For DQN."""

    __module__ = PUBLIC


class AttentionSACPolicy(AttentionPolicy, SACPolicy):
    """For SAC."""

    __module__ = PUBLIC


class AttentionTD3Policy(AttentionPolicy, TD3Policy):
    """For TD3 and DDPG."""

    __module__ = PUBLIC
