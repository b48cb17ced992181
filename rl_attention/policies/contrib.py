"""The policies for the algorithms of sb3-contrib; TRPO takes `AttentionActorCriticPolicy`."""

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.tqc.policies import TQCPolicy

from rl_attention.policies.base import PUBLIC, AttentionPolicy


class AttentionMaskableActorCriticPolicy(AttentionPolicy, MaskableActorCriticPolicy):
    """For MaskablePPO."""

    __module__ = PUBLIC


class AttentionRecurrentActorCriticPolicy(AttentionPolicy, RecurrentActorCriticPolicy):
    """For RecurrentPPO, which RL Zoo calls `ppo_lstm`."""

    __module__ = PUBLIC


class AttentionQRDQNPolicy(AttentionPolicy, QRDQNPolicy):
    """For QR-DQN."""

    __module__ = PUBLIC


class AttentionTQCPolicy(AttentionPolicy, TQCPolicy):
    """For TQC."""

    __module__ = PUBLIC


class AttentionCrossQPolicy(AttentionPolicy, CrossQPolicy):
    """For CrossQ, which takes no `Dict` observations: a `Box` of entities, or an image."""

    __module__ = PUBLIC
