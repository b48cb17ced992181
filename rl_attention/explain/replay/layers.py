"""Attention maps of one state as the viewer reads them: real tokens alone, weights as bytes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rl_attention.recording import AttentionMap
from rl_attention.recording.layers import segment_slices
from rl_attention.recording.probes import ProbeSet
from rl_attention.viewer.packing import pack_weights
from rl_attention.viewer.schema import Layer, Weights

_PREFIX = {"entities": "e", "words": "w"}
_ALONE = {"global": "g", "query": "q"}
MOST_NUMBERS = 1 << 16
"""Weights of one layer in one state; of more, past tokens are kept as what is read alone."""

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
    maps: Mapping[str, AttentionMap],
    row: int,
    sizes: Mapping[str, int],
    states: ProbeSet | None = None,
) -> list[Weights]:
    """Give the weights of one state.

    Where tokens of a long window all read each other, a layer holds more than `MOST_NUMBERS`; then
    the rows in which past tokens read are left out.

    Args:
        maps: Labelled maps at full length.
        row: The state.
        sizes: Full length of the segments.
        states: What the maps were taken from, which knows the step of each token; None: all is
            kept.
    """
    past = None if states is None or states.steps is None else states.steps[row] < 0
    return [_weights(found, row, sizes, past) for found in maps.values()]


def _weights(
    found: AttentionMap, row: int, sizes: Mapping[str, int], past: NDArray[np.bool_] | None
) -> Weights:
    queries, keys = found.query_mask[row], found.key_mask[row]
    if past is not None and found.n_heads * queries.sum() * keys.sum() > MOST_NUMBERS:
        queries = queries & ~_past_queries(found, len(queries), sizes, past)
    weights = found.weights[row][:, queries][:, :, keys]
    return Weights(
        queries=_refer(found.queries, queries, sizes),
        keys=_refer(found.keys, keys, sizes),
        weights=pack_weights(weights),
    )


def _past_queries(
    found: AttentionMap, count: int, sizes: Mapping[str, int], past: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which queries are tokens of past frames; the first, the read-out, always stays."""
    where = np.zeros(count, dtype=bool)
    part = segment_slices(found.queries, count, sizes).get("entities")
    if part is not None:
        where[part] = past[: part.stop - part.start]
    where[0] = False
    return where


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
