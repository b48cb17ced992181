"""Symbols in bytes that Stable-Baselines3 takes for a picture."""

from collections.abc import Iterator

import numpy as np
from stable_baselines3.common.preprocessing import is_image_space

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import parts_of
from rl_attention.doctor.subject import Subject

MOST_SYMBOLS = 64
"""Pictures have brighter pixels than this; symbols are numbered from 0."""

SMALLEST_PICTURE = 16
"""No camera gives fewer rows and columns."""

_FIX = (
    "declare the true bounds, such as Box(0, 10, ..., uint8), or have an observation wrapper emit "
    "entities"
)


def check(subject: Subject) -> Iterator[Finding]:
    """Find images whose values are too few and too small for a picture.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no image, or only observations could tell.
    """
    parts = parts_of(subject.space)
    images = [key for key, part in parts.items() if is_image_space(part)]
    if not images:
        raise NotApplicable("no part of the observation is an image")
    if subject.model is not None and not subject.model.policy.normalize_images:
        raise NotApplicable("the policy has normalize_images=False")
    for key in images:
        if key not in subject.observed:
            yield from _judge_by_size(subject, key)
            continue
        values = np.unique(subject.observed[key])
        if 0 < values.max() < MOST_SYMBOLS:
            count = len(subject.observed[key])
            yield Finding(
                "symbols_as_image",
                "error",
                key,
                f"an image by its space, but {count} observations hold {len(values)} values, at "
                f"most {values.max()}: divided by 255 they reach the network as 0 to "
                f"{values.max() / 255:.3f}, and a picture's axes may be moved",
                _FIX,
            )


def _judge_by_size(subject: Subject, key: str) -> Iterator[Finding]:
    shape = parts_of(subject.space)[key].shape
    assert shape is not None
    if sorted(shape)[1] >= SMALLEST_PICTURE:
        raise NotApplicable(subject.unobserved)
    yield Finding(
        "symbols_as_image",
        "warning",
        key,
        f"an image by its space, but of shape {shape}, too small for a picture: symbols would be "
        "divided by 255",
        _FIX,
    )
