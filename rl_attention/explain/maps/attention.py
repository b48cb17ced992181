"""Attention itself: what the read-out weighs."""

from collections.abc import Mapping

from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.recorded import (
    entities_slice,
    last_over_entities,
    read_layers,
)
from rl_attention.explain.subject import Subject
from rl_attention.recording import AttentionMap


def attention_maps(subject: Subject) -> dict[str, Floats]:
    """Give the weights of the read-out row of the last layer over entities.

    Args:
        subject: The model and the states.

    Returns:
        `attention`, the mean over heads, and each head, such as `attention_l1h0`; none where no
        layer attends to entities.
    """

    def read(layers: Mapping[str, AttentionMap]) -> dict[str, Floats]:
        label = last_over_entities(layers)
        if label is None:
            return {}
        layer = layers[label]
        where = entities_slice(layer.keys, layer.key_mask.shape[1], subject.sizes)
        heads = layer.readout[:, :, where].astype(float)  # B H N
        each = {f"attention_{label}h{head}": heads[:, head] for head in range(layer.n_heads)}
        return {"attention": heads.mean(axis=1), **each}

    return read_layers(subject, read)
