"""Numbers about attention maps. Every one of them lies between 0 and 1.

Rows are the distributions over keys, one for each probe, head and query. Rows of padding queries
and rows without any real key say nothing and are left out of every mean; a mean over no row is 0.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.recording.layers import segment_slices
from rl_attention.recording.maps import AttentionMap

_Floats: TypeAlias = NDArray[np.float64]


def entropy(found: AttentionMap) -> _Floats:
    """Mean entropy of each head, `H`: 0 looks at one token, 1 at all real tokens alike.

    The entropy of a row is divided by the logarithm of its number of real keys, also where a local
    scope lets it read fewer of them; with one real key it is 0.

    Args:
        found: The map.
    """
    rows = _rows(found)
    n_keys = found.key_mask.sum(axis=1)[:, None, None]
    scale = np.log(np.maximum(n_keys, 2))
    return _mean(np.clip(_entropy(rows) / scale, 0.0, 1.0), _real_rows(found))


def top1(found: AttentionMap) -> _Floats:
    """Mean of the largest weight of each head, `H`.

    Args:
        found: The map.
    """
    # rows over no key at all have no largest weight, hence the initial 0
    return _mean(_rows(found).max(axis=-1, initial=0.0), _real_rows(found))


def head_diversity(found: AttentionMap) -> float:
    """Mean Jensen-Shannon divergence between pairs of heads; 0 with a single head.

    Args:
        found: The map.
    """
    rows, real = _rows(found), _real_rows(found)
    pairs = [_js(rows[:, a], rows[:, b]) for a, b in combinations(range(found.n_heads), 2)]
    if not pairs:
        return 0.0
    return float(_mean(np.stack(pairs, axis=1), real).mean())


def drift(before: AttentionMap, after: AttentionMap) -> float:
    """Mean Jensen-Shannon divergence between two maps of the same probes and layer.

    Args:
        before: The earlier map.
        after: The later map.

    Raises:
        UserError: If the two maps differ in shape.
    """
    if before.weights.shape != after.weights.shape:
        raise UserError(
            f"map '{after.name}' has shape {after.weights.shape}, the one before it "
            f"{before.weights.shape}; compare snapshots of the same probes and network"
        )
    return float(_mean(_js(_rows(before), _rows(after)), _real_rows(after)).mean())


def mass(
    found: AttentionMap, types: NDArray[np.str_] | None, sizes: Mapping[str, int]
) -> dict[str, float]:
    """Share of the read-out row (first query) that goes to each kind of token.

    Mean over probes and heads. The global token counts as `agent`, words as `words`. Entities
    count by their type, or all as `entities` where types are unknown. The shares sum to 1.

    Args:
        found: The map, at full length.
        types: Kind of each entity, `B N`, empty on padding.
        sizes: Full length of the segments.
    """
    row = _rows(found)[:, :, 0, :]
    real = _real_rows(found)[:, :, 0]
    shares: dict[str, float] = {}
    for name, part in segment_slices(found.keys, row.shape[-1], sizes).items():
        weights = row[:, :, part]
        if name != "entities" or types is None:
            label = "agent" if name == "global" else name
            share = float(_mean(weights.sum(axis=-1), real).mean())
            shares[label] = shares.get(label, 0.0) + share
            continue
        kinds = _fitted(types, weights.shape[-1])
        for kind in sorted(set(np.unique(types)) - {""}):
            chosen = (weights * (kinds == kind)[:, None, :]).sum(axis=-1)
            # an environment may have a type of the name of another segment
            shares[str(kind)] = shares.get(str(kind), 0.0) + float(_mean(chosen, real).mean())
    return {name: min(max(share, 0.0), 1.0) for name, share in shares.items()}


def _fitted(types: NDArray[np.str_], length: int) -> NDArray[np.str_]:
    """Types at the length of the segment: a map may have tokens that no type is known for."""
    fitted = np.full((types.shape[0], length), "", dtype=types.dtype)
    width = min(length, types.shape[1])
    fitted[:, :width] = types[:, :width]
    return fitted


def _rows(found: AttentionMap) -> _Floats:
    """Weights on real keys, in double precision, rows summing to 1 where they can: `B H Q K`."""
    rows: _Floats = found.weights.astype(np.float64) * found.key_mask[:, None, None, :]
    total = rows.sum(axis=-1, keepdims=True)
    return np.asarray(rows / np.where(total > 0, total, 1.0), dtype=np.float64)


def _real_rows(found: AttentionMap) -> NDArray[np.bool_]:
    """Rows that count: real query, at least one real key, `B H Q`."""
    real = np.logical_and(found.query_mask, found.key_mask.any(axis=1, keepdims=True))
    return np.broadcast_to(real[:, None, :], found.weights.shape[:3])


def _mean(values: _Floats, real: NDArray[np.bool_]) -> _Floats:
    """Mean over the real rows, separately along the second axis (heads, or pairs of heads)."""
    real = np.broadcast_to(real[:, :1], values.shape)
    others = tuple(axis for axis in range(values.ndim) if axis != 1)
    total = np.where(real, values, 0.0).sum(axis=others)
    count = real.sum(axis=others)
    return np.asarray(total / np.maximum(count, 1), dtype=np.float64)


def _entropy(rows: _Floats) -> _Floats:
    safe = np.where(rows > 0, rows, 1.0)
    return np.asarray(-(rows * np.log(safe)).sum(axis=-1), dtype=np.float64)


def _js(first: _Floats, second: _Floats) -> _Floats:
    """Jensen-Shannon divergence in bits, so that it never exceeds 1."""
    mixed: Any = _entropy((first + second) / 2) - (_entropy(first) + _entropy(second)) / 2
    return np.asarray(np.clip(mixed / np.log(2.0), 0.0, 1.0), dtype=np.float64)
