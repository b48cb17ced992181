"""A named place for attention weights, so that the map shown is the map used."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

_ARGUMENTS = ("weights", "query_mask", "key_mask")


def read_call(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Give the query mask and the key mask of a call of a probe, as a forward hook sees it.

    Args:
        arguments: Arguments by place.
        named: Arguments by name.
    """
    given = dict(zip(_ARGUMENTS, arguments, strict=False)) | dict(named)
    return given["query_mask"], given["key_mask"]


class Probe(nn.Module):
    """Pass attention weights through unchanged; forward hooks see them.

    A probe has no parameter and costs nothing when nobody listens. Its name is its path in
    `named_modules`. It also says what the two token axes hold, so that a recorder need not guess.

    Args:
        queries: Segment names along the query axis, in order. `global` and `query` are one token
            long; `entities`, `words` and `latents` are as long as in the observation or network.
        keys: Segment names along the key axis, likewise.
    """

    def __init__(self, queries: tuple[str, ...], keys: tuple[str, ...]) -> None:
        super().__init__()
        self.queries = queries
        self.keys = keys

    @property
    def heard(self) -> bool:
        """Whether anybody listens: then weights pass through in their full form."""
        return bool(self._forward_hooks or self._forward_pre_hooks)

    def forward(self, weights: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
        """Return the weights as they came.

        Args:
            weights: Attention weights, `B H Q K`.
            query_mask: True for real query tokens, `B Q`.
            key_mask: True for real key tokens, `B K`.
        """
        return weights

    def extra_repr(self) -> str:
        """Name both axes in `repr`."""
        return f"queries={self.queries}, keys={self.keys}"
