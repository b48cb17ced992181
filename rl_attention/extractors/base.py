"""What all extractors share: they compute the features of equal observations once."""

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from rl_attention.tokenizers import ObservationTokenizer, Tokenized, TokenOptions


class TokenExtractor(BaseFeaturesExtractor):
    """From tokens to features.

    Args:
        observation_space: The space of the observations, after Stable-Baselines3's preprocessing.
        features_dim: Size of the features.
        options: How observations become tokens.

    Raises:
        UserError: The space has no set of tokens.
    """

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
        """Whether equal observations may share one computation now."""
        return True

    def forward(self, observations: dict[str, Tensor] | Tensor) -> Tensor:
        """Map a preprocessed observation to features, `B features_dim`."""
        found = self.tokenizer.distinct(observations) if self.merges else None
        if found is None:
            return self.features(self.tokenizer(observations))
        first, which = found
        assert isinstance(observations, dict)
        kinds = {key: values.index_select(0, first) for key, values in observations.items()}
        return self.features(self.tokenizer(kinds)).index_select(0, which)

    def features(self, tokenized: Tokenized) -> Tensor:
        """Map tokens to features, `B features_dim`; no row may depend on another."""
        raise NotImplementedError
