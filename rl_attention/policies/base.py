"""What all policies that attend share: the extractor, checked options, and saving whole."""

import inspect
from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule

from rl_attention.errors import UserError, suggest
from rl_attention.extractors import EXTRACTORS, AttentionExtractor

PUBLIC = "rl_attention.policies"
"""The module that saved models name."""

_KWARGS = "features_extractor_kwargs"


class AttentionPolicy(BasePolicy):
    """Gives the policy that it is mixed into an `AttentionExtractor`.

    It takes `Dict` and `Box` spaces alike, and `policy_kwargs` holds plain values alone:
    `dict(features_extractor_kwargs=dict(n_heads=4, n_blocks=2), net_arch=[64])`. Unlike those of
    SB3, these policies come back from `policy.load` as they went into `policy.save`, with separate
    extractors too.

    Args:
        observation_space: The space of the observations.
        action_space: The space of the actions.
        lr_schedule: The learning rate over training.
        features_extractor_class: An extractor, or a key of `rl_attention.extractors.EXTRACTORS`.
        features_extractor_kwargs: Its options; see `AttentionExtractor`.
        **options: Options of SB3's policy, such as `net_arch` and `share_features_extractor`.

    Raises:
        UserError: An option is unknown, or the extractor cannot be built with it.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        action_space: spaces.Space,  # type: ignore[type-arg]
        lr_schedule: Schedule,
        *,
        features_extractor_class: type[BaseFeaturesExtractor] | str = AttentionExtractor,
        features_extractor_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        given = check_options(
            type(self), features_extractor_class, features_extractor_kwargs, options
        )
        super().__init__(observation_space, action_space, lr_schedule, **given)
        self._given = given

    def make_features_extractor(self) -> BaseFeaturesExtractor:
        """Build an extractor.

        Raises:
            UserError: It cannot be built with its options.
        """
        try:
            return super().make_features_extractor()
        except UserError:
            raise
        except (TypeError, ValueError) as error:
            raise UserError(f"{_KWARGS}: {error}") from error

    def _get_constructor_parameters(self) -> dict[str, Any]:
        # SB3 leaves some out, `share_features_extractor` and the sizes of an LSTM among them
        return {**super()._get_constructor_parameters(), **self._given}


def check_options(
    policy: type[AttentionPolicy],
    extractor: type[BaseFeaturesExtractor] | str,
    kwargs: dict[str, Any] | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the options of a policy, with its extractor found by name.

    Args:
        policy: The policy.
        extractor: An extractor, or a key of `rl_attention.extractors.EXTRACTORS`.
        kwargs: The options of the extractor.
        options: The other options.

    Raises:
        UserError: One of them is unknown.
    """
    found = _find_extractor(extractor)
    _check_policy_options(policy, found, options)
    _check_extractor_options(found, kwargs or {})
    return {"features_extractor_class": found, _KWARGS: kwargs, **options}


def _find_extractor(given: type[BaseFeaturesExtractor] | str) -> type[BaseFeaturesExtractor]:
    if not isinstance(given, str):
        return given
    if given not in EXTRACTORS:
        raise UserError(
            f"features_extractor_class: expected one of {', '.join(EXTRACTORS)}, or a class, got "
            f"{given!r}; {suggest(given, EXTRACTORS)}"
        )
    return EXTRACTORS[given]


def _check_policy_options(
    policy: type[AttentionPolicy], extractor: type, options: Mapping[str, Any]
) -> None:
    base = policy.__mro__[policy.__mro__.index(AttentionPolicy) + 1]
    name = _first_unknown(options, base)
    if name is None:
        return
    if name in _parameters(extractor):
        hint = f"it is the extractor's: write {_KWARGS}=dict({name}={options[name]!r})"
    else:
        hint = suggest(name, _parameters(base))
    raise UserError(
        f"policy_kwargs: expected options of {base.__name__}, got {name}={options[name]!r}; {hint}"
    )


def _check_extractor_options(extractor: type, options: Any) -> None:
    if not isinstance(options, dict):
        raise UserError(
            f"{_KWARGS}: expected a dict of options, as dict(n_heads=4), got {options!r}"
        )
    name = _first_unknown(options, extractor)
    if name is not None:
        raise UserError(
            f"{_KWARGS}: expected options of {extractor.__name__}, got {name}={options[name]!r}; "
            f"{suggest(name, _parameters(extractor))}"
        )


def _first_unknown(options: Mapping[str, Any], cls: type) -> str | None:
    """Name the first option that a class cannot be given, or None."""
    known = _parameters(cls)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return None
    return next((name for name in options if name not in known), None)


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    fixed = ("observation_space", "action_space", "lr_schedule")
    found = inspect.signature(cls).parameters
    return {name: parameter for name, parameter in found.items() if name not in fixed}
