"""How much of each entity the read-out takes in: the weight times the size of what is read.

Source: Kobayashi et al. 2020, "Attention is Not Only a Weight: Analyzing Transformers with Vector
Norms".
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.recorded import (
    entities_slice,
    last_over_entities,
    read_layers,
)
from rl_attention.explain.subject import Subject
from rl_attention.nn import MultiHeadAttention
from rl_attention.nn.reading import Reading
from rl_attention.recording import AttentionMap
from rl_attention.recording.locate import acting_extractor


class _Call(NamedTuple):
    """What an attention was last called with."""

    queries: Tensor
    reading: Reading
    keys: Tensor | None = None


def norm_maps(subject: Subject) -> dict[str, Floats]:
    """Give the length of what the read-out row of the last layer over entities takes of each.

    An entity's share of what is read is the sum over heads of its weight times its value, brought
    through the output layer without bias: what is added for it before any norm.

    Args:
        subject: The model and the states.

    Returns:
        `norm`; none where that layer is no `MultiHeadAttention`.
    """
    extractor = acting_extractor(subject.model)
    if extractor is None:
        return {}
    with _listening(extractor) as calls:

        def read(layers: Mapping[str, AttentionMap]) -> dict[str, Floats]:
            label = last_over_entities(layers)
            path = "" if label is None else layers[label].name.partition("#")[0]
            owner = path.removesuffix(".probe")
            if label is None or owner not in calls:
                return {}
            module, call = calls[owner]
            return {"norm": _norms(module, call, layers[label], subject)}

        return read_layers(subject, read)


def _norms(
    module: MultiHeadAttention, call: _Call, layer: AttentionMap, subject: Subject
) -> Floats:
    with torch.no_grad():
        values = call.reading.keys.pad(module.values(call.queries, call.keys))  # B K H D
        # the recorded row was padded to the full length, of which the network saw the beginning
        full, short = layer.key_mask.shape[1], values.shape[1]
        entities = entities_slice(layer.keys, full, subject.sizes)
        seen = entities_slice(layer.keys, short, subject.sizes)
        width = seen.stop - seen.start
        weights = torch.as_tensor(layer.readout[:, :, entities][:, :, :width]).to(values)  # B H N
        parts = weights.transpose(1, 2)[..., None] * values[:, seen]
        lengths = (parts.flatten(start_dim=2) @ module.output.weight.T).norm(dim=2)
    table = np.zeros((len(lengths), entities.stop - entities.start))
    table[:, :width] = lengths.double().cpu().numpy()
    return table


@contextmanager
def _listening(extractor: nn.Module) -> Iterator[dict[str, tuple[MultiHeadAttention, _Call]]]:
    """Keep what each attention was last called with, by its path."""
    calls: dict[str, tuple[MultiHeadAttention, _Call]] = {}

    def listen(path: str) -> Any:
        def keep(module: MultiHeadAttention, given: tuple[Any, ...], named: Any) -> None:
            calls[path] = module, _Call(*given, **named)

        return keep

    handles = [
        module.register_forward_pre_hook(listen(path), with_kwargs=True)
        for path, module in extractor.named_modules()
        if isinstance(module, MultiHeadAttention)
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
