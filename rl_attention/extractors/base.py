"""What all extractors share: they compute the features of equal observations once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rl_attention.extractors.overwriting import warn_if_overwritten
from rl_attention.tokenizers import ObservationTokenizer, Tokenized, TokenOptions
from rl_attention.tokenizers.distinct import Distinct, distinct_observations, worth_searching


class TokenExtractor(BaseFeaturesExtractor):
    """From tokens to features.

    Worlds of symbols repeat themselves: of a batch of `LEAST_ROWS` or more whose space holds whole
    numbers alone, each distinct observation is computed once. A subclass whose features are drawn
    at random, or depend on the batch, says so by `merges`.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        options: How observations become tokens.

    Raises:
        UserError: The space has no set of tokens.
    """

    built_with: tuple[tuple[Any, ...], dict[str, Any]]
    """What the constructor was given beside the space, by place and by name."""

    def __new__(cls, *given: Any, **named: Any) -> "TokenExtractor":
        """Keep what it is built with: a file of its weights alone says it too."""
        self = super().__new__(cls)
        if given or named:  # a copy, or a pickle, brings its own
            options = {name: value for name, value in named.items() if name != "observation_space"}
            vars(self)["built_with"] = _own(given[1:]), _own(options)
        return self

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        features_dim: int,
        options: TokenOptions,
    ) -> None:
        super().__init__(observation_space, features_dim)
        self.tokenizer = ObservationTokenizer(observation_space, options)

    @property
    def merges(self) -> bool:
        """Whether equal observations may share one computation now.

        Not while a hook listens anywhere inside: it would see fewer rows than there are.
        """
        return not any(_has_hooks(module) for module in self.modules() if module is not self)

    def forward(self, observations: dict[str, Tensor] | Tensor) -> Tensor:
        """Map a preprocessed observation to features, `B features_dim`."""
        observations = self.tokenizer.read(observations)
        found = self._find_distinct(observations)
        if found is None:
            return self.features(self.tokenizer(observations))
        assert isinstance(observations, dict)
        first, which = found
        kinds = {key: values.index_select(0, first) for key, values in observations.items()}
        return self.features(self.tokenizer(kinds)).index_select(0, which)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *rest: Any, **more: Any
    ) -> None:
        # no hook that is registered: it would go into every copy and every pickle
        warn_if_overwritten(self, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *rest, **more)

    def _find_distinct(self, observations: dict[str, Tensor] | Tensor) -> Distinct | None:
        """Find the distinct observations where it pays off and nobody can tell."""
        if not isinstance(observations, dict) or not self.tokenizer.symbolic:
            return None
        if not worth_searching(observations):
            return None
        if any(values.requires_grad for values in observations.values()) or not self.merges:
            return None
        return distinct_observations(observations, self.tokenizer.schema)

    def features(self, tokenized: Tokenized) -> Tensor:
        """Map tokens to features, `B features_dim`; no row may depend on another."""
        raise NotImplementedError


def _own(value: Any) -> Any:
    """Copy what others could change: the lists, dicts and arrays that were given."""
    if isinstance(value, Mapping):
        return {name: _own(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_own(part) for part in value]
    if isinstance(value, tuple):
        return tuple(_own(part) for part in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )
