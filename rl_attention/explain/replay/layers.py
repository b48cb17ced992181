"""Attention maps of one state as the viewer reads them: real tokens alone, weights as bytes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rl_attention.recording import AttentionMap
from rl_attention.recording.layers import segment_slices
from rl_attention.viewer.packing import pack_weights
from rl_attention.viewer.schema import Layer, Weights

_PREFIX = {"entities": "e", "words": "w"}
_ALONE = {"global": "g", "query": "q"}
_NAMES = {"global": "the global token", "query": "the read-out", "tokens": "tokens"}


def describe_layers(maps: Mapping[str, AttentionMap]) -> list[Layer]:
    """Say what each layer of a model is.

    Args:
        maps: Labelled maps.
    """
    return [
        Layer(
            id=label,
            title=f"{label}: {_joined(found.queries)} read {_joined(found.keys)}",
            heads=found.n_heads,
        )
        for label, found in maps.items()
    ]


def weights_of(
    maps: Mapping[str, AttentionMap], row: int, sizes: Mapping[str, int]
) -> list[Weights]:
    """Give the weights of one state.

    Args:
        maps: Labelled maps at full length.
        row: The state.
        sizes: Full length of the segments.
    """
    return [_weights(found, row, sizes) for found in maps.values()]


def _weights(found: AttentionMap, row: int, sizes: Mapping[str, int]) -> Weights:
    queries, keys = found.query_mask[row], found.key_mask[row]
    weights = found.weights[row][:, queries][:, :, keys]
    return Weights(
        queries=_refer(found.queries, queries, sizes),
        keys=_refer(found.keys, keys, sizes),
        weights=pack_weights(weights),
    )


def _refer(names: tuple[str, ...], mask: NDArray[np.bool_], sizes: Mapping[str, int]) -> list[str]:
    """Refer to the real tokens of an axis: `g`, `q`, `e3`, `w0`, and `t5` for any other."""
    refs = [f"t{place}" for place in range(len(mask))]
    for name, part in segment_slices(names, len(mask), sizes).items():
        for place in range(part.start, part.stop):
            if name in _ALONE:
                refs[place] = _ALONE[name]
            elif name in _PREFIX:
                refs[place] = f"{_PREFIX[name]}{place - part.start}"
    return [refs[place] for place in np.flatnonzero(mask)]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(_NAMES.get(name, name) for name in names)
