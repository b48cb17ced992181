"""Attention followed back through the layers.

Source: Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3.
"""

from collections.abc import Mapping

import numpy as np

from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.recorded import (
    ENTITIES,
    entities_slice,
    last_over_entities,
    read_layers,
)
from rl_attention.explain.subject import Subject
from rl_attention.recording import AttentionMap
from rl_attention.recording.layers import segment_slices


def rollout_maps(subject: Subject) -> dict[str, Floats]:
    """Follow the read-out row of the last layer over entities back to the tokens.

    A layer in which tokens read each other keeps half of each token, as its residual branch does:
    its weights, the mean over heads, count as (A + I) / 2. A layer in which others read the
    entities (the pooling) is taken as it is.

    Args:
        subject: The model and the states.

    Returns:
        `rollout`; none where no layer comes before in which entities read entities: it would be
        `attention`.
    """

    def read(layers: Mapping[str, AttentionMap]) -> dict[str, Floats]:
        last = last_over_entities(layers)
        labels = list(layers)
        before = [] if last is None else labels[: labels.index(last)]
        earlier = [layers[label] for label in before if _among_entities(layers[label])]
        if last is None or not earlier:
            return {}
        return {"rollout": follow_back(layers[last], earlier, subject.sizes)}

    return read_layers(subject, read)


def follow_back(
    last: AttentionMap, earlier: list[AttentionMap], sizes: Mapping[str, int]
) -> Floats:
    """Multiply the read-out row of a layer with the layers before it: `B N`.

    Args:
        last: The layer that is read out.
        earlier: Layers in which entities read entities, the first to fire first.
        sizes: Full length of the segments.
    """
    row = _mixed(last)[:, 0] if last.queries == last.keys else _mean(last)[:, 0]
    names = last.keys
    for layer in reversed(earlier):
        row = _carried(row, names, layer, sizes)
        row = np.einsum("bq,bqk->bk", row, _mixed(layer))
        names = layer.keys
    # uniform weights stay ties, which rounding would break in the order of the slots
    return np.asarray(row[:, entities_slice(names, row.shape[1], sizes)].round(12))


def _among_entities(layer: AttentionMap) -> bool:
    return layer.queries == layer.keys and ENTITIES in layer.keys


def _mean(layer: AttentionMap) -> Floats:
    return np.asarray(layer.weights.mean(axis=1, dtype=np.float64))


def _mixed(layer: AttentionMap) -> Floats:
    """(A + I) / 2 with rows that sum to 1, `B Q K`."""
    mixed = (_mean(layer) + np.eye(layer.key_mask.shape[1])) / 2
    return np.asarray(mixed / mixed.sum(axis=2, keepdims=True))


def _carried(
    row: Floats, names: tuple[str, ...], layer: AttentionMap, sizes: Mapping[str, int]
) -> Floats:
    """Lay a row over some segments out over those that the layer before gave."""
    length = layer.query_mask.shape[1]
    given, there = (
        segment_slices(n, k, sizes) for n, k in ((names, row.shape[1]), (layer.queries, length))
    )
    carried = np.zeros((len(row), length))
    for name in given.keys() & there.keys():
        carried[:, there[name]] = row[:, given[name]]
    return carried
