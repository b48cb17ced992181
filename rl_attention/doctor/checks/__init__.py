"""The checks: one a file, each a function from a subject to its findings."""

from collections.abc import Callable, Iterator

from rl_attention.doctor.checks import (
    batch_dependence,
    discrete_rank,
    dropout,
    entity_order,
    fast_path,
    frame_stack,
    heads,
    layout,
    mask,
    narrow_numbers,
    normalized_bytes,
    normalized_ids,
    number_columns,
    orthogonal_init,
    presence,
    separate_extractors,
    state,
    symbols_as_image,
)
from rl_attention.doctor.findings import Finding
from rl_attention.doctor.subject import Subject

Check = Callable[[Subject], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "symbols_as_image": symbols_as_image.check,
    "layout": layout.check,
    "normalized_ids": normalized_ids.check,
    "normalized_bytes": normalized_bytes.check,
    "mask": mask.check,
    "presence": presence.check,
    "frame_stack": frame_stack.check,
    "number_columns": number_columns.check,
    "narrow_numbers": narrow_numbers.check,
    "dropout": dropout.check,
    "batch_dependence": batch_dependence.check,
    "state": state.check,
    "orthogonal_init": orthogonal_init.check,
    "discrete_rank": discrete_rank.check,
    "fast_path": fast_path.check,
    "heads": heads.check,
    "entity_order": entity_order.check,
    "separate_extractors": separate_extractors.check,
}
"""From a check's name to the check, in the order in which they are made."""
