"""The features extractor of a model, tried on a twin so that the model stays as it is."""

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from rl_attention.doctor.findings import NotApplicable, one_line
from rl_attention.doctor.parts import Observations, is_mask, parts_of
from rl_attention.doctor.sampling import draw

TOLERANCE = 1e-4
"""Features differ where they are further apart than this, in parts of the largest."""


class ForwardError(NotApplicable):
    """The extractor raised an error."""


@dataclass(frozen=True)
class Network:
    """The features extractor of a model, and how to try it.

    Args:
        policy: The policy that it belongs to.
        path: Where it is in the policy.
        extractor: The extractor itself, which is never called.
        seed: Decides what is drawn.
    """

    policy: BasePolicy
    path: str
    extractor: BaseFeaturesExtractor
    seed: int

    def alone(self) -> BaseFeaturesExtractor:
        """Build the extractor as its constructor leaves it, before the policy gets at it.

        Raises:
            NotApplicable: It cannot be built a second time.
        """
        torch.manual_seed(self.seed)
        try:
            built = self.policy.make_features_extractor()
        except Exception as error:  # foreign code
            raise NotApplicable(
                f"the extractor cannot be built again: {one_line(error)}"
            ) from error
        if type(built) is not type(self.extractor):
            raise NotApplicable("the extractor was put into the policy after it was built")
        return built.cpu()

    def twin(self, *, training: bool = False) -> BaseFeaturesExtractor:
        """Build another extractor with the same weights, on the CPU, without hooks.

        Args:
            training: Whether it is in training mode.

        Raises:
            NotApplicable: It cannot be built a second time.
        """
        built = self.alone()
        ours, theirs = dict(built.named_parameters()), dict(self.extractor.named_parameters())
        if any(name not in ours or ours[name].shape != theirs[name].shape for name in theirs):
            raise NotApplicable("the extractor is built with other weights each time")
        buffers = dict(built.named_buffers())
        with torch.no_grad():
            for name, weight in theirs.items():
                ours[name].copy_(weight)
            for name, buffer in self.extractor.named_buffers():
                if name in buffers and buffers[name].shape == buffer.shape:
                    buffers[name].copy_(buffer)
        return built.train(training)

    def draw(self, n_rows: int, *, stream: int = 0) -> dict[str, np.ndarray]:
        """Draw observations in which every mask leaves a token.

        Args:
            n_rows: How many.
            stream: Another number gives others.

        Raises:
            NotApplicable: The space has a part that nothing can be drawn of.
        """
        rng = np.random.default_rng([self.seed, stream])
        drawn = {}
        for key, part in parts_of(self.policy.observation_space).items():
            drawn[key] = draw(part, rng, n_rows)
            if is_mask(key, part):
                drawn[key] = np.round(drawn[key])
                drawn[key].reshape(n_rows, -1)[:, 0] = 1
        return drawn

    def features(
        self, extractor: BaseFeaturesExtractor, observations: Observations, *, seed: int = 0
    ) -> Tensor:
        """Preprocess as Stable-Baselines3 does, and extract.

        Args:
            extractor: A twin.
            observations: Values by key, one observation a row.
            seed: Decides what the extractor draws at random.

        Raises:
            ForwardError: The extractor raises an error, or gives no tensor.
        """
        space = self.policy.observation_space
        tensors = {key: torch.as_tensor(values) for key, values in observations.items()}
        given = tensors if isinstance(space, spaces.Dict) else next(iter(tensors.values()))
        torch.manual_seed(seed)
        try:
            with torch.no_grad():
                ready = preprocess_obs(given, space, self.policy.normalize_images)
                features = extractor(ready)
        except Exception as error:  # foreign code
            raise ForwardError(f"the extractor raises {one_line(error)}") from error
        if not isinstance(features, Tensor):
            raise ForwardError(f"the extractor gives no tensor but {type(features).__name__}")
        return features


def find_network(policy: BasePolicy, seed: int) -> Network:
    """Find the extractor that acts: the first that is not of a target network.

    Args:
        policy: The policy of a model.
        seed: Decides what is drawn.

    Raises:
        NotApplicable: There is none.
    """
    for path, module in policy.named_modules():
        if isinstance(module, BaseFeaturesExtractor) and "target" not in path:
            return Network(policy, f"policy.{path}", module, seed)
    raise NotApplicable("the model has no features extractor")


def difference(one: Tensor, other: Tensor) -> float:
    """Measure how far features are apart, in parts of the largest; infinite for other shapes.

    Args:
        one: Features.
        other: Features.
    """
    if one.shape != other.shape:
        return float("inf")
    if torch.allclose(one, other, rtol=0, atol=0, equal_nan=True):
        return 0.0
    largest = float((one - other).abs().max()) / max(float(one.abs().max()), 1e-12)
    return largest if np.isfinite(largest) else float("inf")
