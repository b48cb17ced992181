"""Maps in reading order, at full length: `l0`, `l1`, ... over entities and `w0`, ... over words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.recording.maps import AttentionMap

TOGETHER = "tokens"
"""The one segment of an axis whose segments cannot be told apart."""

_ONE_TOKEN = ("global", "query")


def label_layers(
    maps: Mapping[str, AttentionMap], sizes: Mapping[str, int]
) -> dict[str, AttentionMap]:
    """Name maps by their depth, and pad trimmed ones back to the length of the observation.

    A map over words alone is `w0`, `w1`, ...; every other one `l0`, `l1`, ... in firing order. The
    last to fire is the pooling, if it attends. Where lengths do not tell which token belongs to
    which segment, the axis has one segment, `tokens`.

    Args:
        maps: What a recorder kept, in firing order.
        sizes: Full length of the segments, as `ProbeSet.sizes` gives it.
    """
    labelled: dict[str, AttentionMap] = {}
    counts = {"l": 0, "w": 0}
    for found in maps.values():
        kind = "w" if set(found.keys) == {"words"} else "l"
        labelled[f"{kind}{counts[kind]}"] = pad(_merged(found, sizes), sizes)
        counts[kind] += 1
    return dict(sorted(labelled.items(), key=lambda item: (item[0][0], int(item[0][1:]))))


def pad(found: AttentionMap, sizes: Mapping[str, int]) -> AttentionMap:
    """Give back the columns that a network trimmed as padding: weight 0, mask False.

    Args:
        found: A recorded map.
        sizes: Full length of the segments; unknown ones stay as they are.
    """
    weights, query_mask = found.weights, found.query_mask
    key_mask = found.key_mask
    rows = _placement(found.queries, query_mask.shape[1], sizes)
    columns = _placement(found.keys, key_mask.shape[1], sizes)
    return replace(
        found,
        weights=_spread(_spread(weights, rows, axis=2), columns, axis=3),
        query_mask=_spread(query_mask, rows, axis=1),
        key_mask=_spread(key_mask, columns, axis=1),
    )


def _merged(found: AttentionMap, sizes: Mapping[str, int]) -> AttentionMap:
    """Give up the segments of an axis that cannot be told apart."""

    def known(names: tuple[str, ...], length: int) -> tuple[str, ...]:
        try:
            segment_slices(names, length, sizes)
        except UserError:
            return (TOGETHER,)
        return names

    n_queries, n_keys = found.query_mask.shape[1], found.key_mask.shape[1]
    return replace(found, queries=known(found.queries, n_queries), keys=known(found.keys, n_keys))


def segment_slices(
    names: tuple[str, ...], length: int, sizes: Mapping[str, int]
) -> dict[str, slice]:
    """Say where each segment lies on an axis.

    Args:
        names: Segment names in order.
        length: Length of the axis.
        sizes: Full length of the segments, needed where two of them are not one token long.

    Raises:
        UserError: If the length does not fit the names, a name comes twice, or there is none.
    """
    open_ended = [name for name in names if name not in _ONE_TOKEN]
    spare = length - (len(names) - len(open_ended))
    lengths = {name: 1 for name in names if name in _ONE_TOKEN}
    if len(open_ended) == 1:
        lengths[open_ended[0]] = spare
    else:
        lengths |= {name: sizes.get(name, 0) for name in open_ended}
    named = 0 < len(names) == len(lengths)
    if not named or spare < 0 or sum(lengths.values()) != length:
        raise UserError(
            f"an attention axis of {length} tokens cannot hold segments {names} "
            f"of sizes {dict(sizes)}; check the probe's segment names"
        )
    edges = np.cumsum([0, *(lengths[name] for name in names)])
    return {
        name: slice(int(a), int(b)) for name, a, b in zip(names, edges, edges[1:], strict=False)
    }


def _placement(
    names: tuple[str, ...], length: int, sizes: Mapping[str, int]
) -> tuple[NDArray[np.int64], int]:
    """Where each token of a trimmed axis stands on the full one, and the full length."""
    places: list[NDArray[np.int64]] = []
    offset = 0
    for name, part in segment_slices(names, length, sizes).items():
        size = part.stop - part.start
        places.append(np.arange(offset, offset + size, dtype=np.int64))
        offset += size if name in _ONE_TOKEN else max(size, sizes.get(name, 0))
    return np.concatenate(places), offset


def _spread(
    array: NDArray[Any], placement: tuple[NDArray[np.int64], int], *, axis: int
) -> NDArray[Any]:
    places, length = placement
    if length == array.shape[axis]:
        return array
    shape = (*array.shape[:axis], length, *array.shape[axis + 1 :])
    full = np.zeros(shape, dtype=array.dtype)
    full[(slice(None),) * axis + (places,)] = array
    return full
