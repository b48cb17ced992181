"""What the attention layers weigh in the states, a few states at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.decisions import Floats
from rl_attention.explain.slots import copy_batch
from rl_attention.explain.subject import Subject
from rl_attention.nn import Probe
from rl_attention.recording import AttentionMap, label_layers, record
from rl_attention.recording.layers import segment_slices
from rl_attention.recording.locate import acting_extractor
from rl_attention.recording.normalize import as_seen

ENTITIES = "entities"

_MOST_ROWS = 256
_MOST_PAIRS = 2**22
"""So many pairs of tokens of all states that are recorded at once, for each head and layer."""


def row_parts(subject: Subject) -> Iterator[NDArray[np.intp]]:
    """Cut the numbers of the states into parts whose attention maps fit into memory."""
    rows = max(1, min(_MOST_ROWS, _MOST_PAIRS // subject.slots.n_tokens**2))
    for first in range(0, len(subject), rows):
        yield np.arange(first, min(first + rows, len(subject)))


def read_layers(
    subject: Subject, read: Callable[[dict[str, AttentionMap]], Mapping[str, Floats]]
) -> dict[str, Floats]:
    """Make maps of what is recorded, part by part.

    Args:
        subject: The model and the states.
        read: From labelled layers of `B` states, as `label_layers` gives them, to named maps `B N`;
            the names are the same for each part.

    Returns:
        The maps of all states, `P N`, NaN on padding; none where nothing attends.
    """
    if not _attends(subject):
        return {}
    found = [read(_record(subject, rows)) for rows in row_parts(subject)]
    return {
        name: on_entities(subject, np.concatenate([part[name] for part in found]))
        for name in found[0]
    }


def record_layers(subject: Subject) -> dict[str, AttentionMap]:
    """Record whole layers of all states, labelled and at full length; none where nothing attends.

    Args:
        subject: The model and the states.
    """
    if not _attends(subject):
        return {}
    parts = [_record(subject, rows) for rows in row_parts(subject)]
    return {label: _joined([part[label] for part in parts]) for label in parts[0]}


def _attends(subject: Subject) -> bool:
    extractor = acting_extractor(subject.model)
    return extractor is not None and any(isinstance(part, Probe) for part in extractor.modules())


def _record(subject: Subject, rows: NDArray[np.intp]) -> dict[str, AttentionMap]:
    seen = record(subject.model, as_seen(subject.model, copy_batch(subject.raw, rows)))
    return label_layers(seen, subject.sizes)


def _joined(parts: list[AttentionMap]) -> AttentionMap:
    return replace(
        parts[0],
        weights=np.concatenate([part.weights for part in parts]),
        query_mask=np.concatenate([part.query_mask for part in parts]),
        key_mask=np.concatenate([part.key_mask for part in parts]),
    )


def last_over_entities(layers: Mapping[str, AttentionMap]) -> str | None:
    """Name the last layer whose keys hold the entities, as the curves read it; None: there is none.

    Args:
        layers: Labelled layers.
    """
    labels = [label for label, layer in layers.items() if ENTITIES in layer.keys]
    return labels[-1] if labels else None


def entities_slice(names: tuple[str, ...], length: int, sizes: Mapping[str, int]) -> slice:
    """Say where the entities are on an axis; see `segment_slices`."""
    return segment_slices(names, length, sizes)[ENTITIES]


def on_entities(subject: Subject, table: NDArray[np.floating]) -> Floats:
    """Put NaN on padding, `P N`."""
    return np.where(subject.present, table.astype(np.float64), np.nan)
