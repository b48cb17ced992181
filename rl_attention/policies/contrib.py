"""The policies for the algorithms of sb3-contrib; TRPO takes `AttentionActorCriticPolicy`."""

from typing import Any

from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from rl_attention.errors import UserError
from rl_attention.extractors import AttentionExtractor
from rl_attention.policies.base import PUBLIC, AttentionPolicy, check_options
from rl_attention.policies.value_head import AttentionValuePolicy


class AttentionMaskableActorCriticPolicy(AttentionValuePolicy, MaskableActorCriticPolicy):
    """For MaskablePPO."""

    __module__ = PUBLIC


class AttentionRecurrentActorCriticPolicy(AttentionValuePolicy, RecurrentActorCriticPolicy):
    """For RecurrentPPO, which RL Zoo calls `ppo_lstm`."""

    __module__ = PUBLIC


class AttentionQRDQNPolicy(AttentionPolicy, QRDQNPolicy):
    """For QR-DQN."""

    __module__ = PUBLIC


class AttentionTQCPolicy(AttentionPolicy, TQCPolicy):
    """For TQC."""

    __module__ = PUBLIC


class AttentionCrossQPolicy(AttentionPolicy, CrossQPolicy):
    """For CrossQ, which takes no `Dict` observations: a `Box` of entities, or an image.

    Args:
        observation_space: The space of the observations.
        *arguments: See `AttentionPolicy`.
        **options: See `AttentionPolicy`.

    Raises:
        UserError: The space is a `Dict`, or see `AttentionPolicy`.
    """

    __module__ = PUBLIC

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        *arguments: Any,
        **options: Any,
    ) -> None:
        if isinstance(observation_space, spaces.Dict):
            raise UserError(
                "AttentionCrossQPolicy: expected a Box, got a Dict with the keys "
                f"{', '.join(observation_space.spaces)}, which CrossQ cannot learn from: emit a "
                "Box of entities (set presence_column if rows can be padding), or use SAC or TQC"
            )
        super().__init__(observation_space, *arguments, **options)


class AttentionARSPolicy(AttentionPolicy, ARSPolicy):
    """For ARS, which has no gradient: it draws changes of all weights at random.

    Give it few of them (`features_extractor_kwargs=dict(width=16, feedforward=16)`) and
    `zero_policy=False`: from weights that are all zero, attention reads every entity alike.

    Args:
        observation_space: The space of the observations.
        action_space: The space of the actions.
        features_extractor_class: See `AttentionPolicy`.
        features_extractor_kwargs: See `AttentionPolicy`.
        **options: Options of sb3-contrib's policy, such as `net_arch`.

    Raises:
        UserError: See `AttentionPolicy`.
    """

    __module__ = PUBLIC

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        action_space: spaces.Space,  # type: ignore[type-arg]
        *,
        features_extractor_class: type[BaseFeaturesExtractor] | str = AttentionExtractor,
        features_extractor_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        given = check_options(
            type(self), features_extractor_class, features_extractor_kwargs, options
        )
        # ARSPolicy takes no extractor, and makes its own in the constructor
        self._extractor = given["features_extractor_class"], features_extractor_kwargs or {}
        ARSPolicy.__init__(self, observation_space, action_space, **options)
        self._given = given

    def make_features_extractor(self) -> BaseFeaturesExtractor:
        """Build the extractor.

        Raises:
            UserError: It cannot be built with its options.
        """
        self.features_extractor_class, self.features_extractor_kwargs = self._extractor
        return super().make_features_extractor()
