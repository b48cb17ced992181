"""Images of which Stable-Baselines3 may take the wrong axis for the channels."""

from collections.abc import Iterator

import numpy as np
from stable_baselines3.common.preprocessing import is_image_space

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import parts_of
from rl_attention.doctor.subject import Subject

_FIX = (
    "have the environment put the channels first, fewer than rows and columns; for symbols, "
    "declare bounds other than 0..255"
)


def check(subject: Subject) -> Iterator[Finding]:
    """Find images whose smallest axis does not tell where the channels are.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no image.
    """
    parts = parts_of(subject.raw_space)
    images = {key: part for key, part in parts.items() if is_image_space(part)}
    if not images:
        raise NotApplicable("no part of the observation is an image")
    for key, part in images.items():
        assert part.shape is not None
        what = _judge(part.shape)
        if what:
            yield Finding("layout", "warning", key, f"shape {part.shape}: {what}", _FIX)


def _judge(shape: tuple[int, ...]) -> str:
    # as Stable-Baselines3 decides it: the first of the smallest axes
    smallest = int(np.argmin(shape))
    if smallest == 1:
        return "the second axis is the smallest; taken as channels last"
    if smallest == 0 and shape[0] == shape[1]:
        return (
            f"taken as {shape[0]} channels first and not transposed, but it looks like "
            f"{shape[0]} x {shape[1]} with {shape[2]} channels last"
        )
    return ""
