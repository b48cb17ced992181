"""One attention map: the weights that a probe saw, and what their axes hold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The weights of one attention layer for a batch, on the CPU.

    Attributes:
        name: Path of the probe in the recorded module.
        weights: Attention weights, `B H Q K` float32.
        queries: Segment names along the query axis.
        keys: Segment names along the key axis.
        query_mask: True for real query tokens, `B Q`.
        key_mask: True for real key tokens, `B K`.
    """

    name: str
    weights: NDArray[np.float32]
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    query_mask: NDArray[np.bool_]
    key_mask: NDArray[np.bool_]

    @property
    def readout(self) -> NDArray[Any]:
        """Weights of the first query, which carries the features out of the layer: `B H K`."""
        return self.weights[:, :, 0, :]

    @property
    def n_heads(self) -> int:
        """Number of heads."""
        return int(self.weights.shape[1])
