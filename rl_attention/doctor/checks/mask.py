"""Masks that hide everything, or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import is_mask, masked_key, parts_of
from rl_attention.doctor.subject import Subject

LEAST = 20
"""From fewer observations nothing follows about all of them."""

_PAST_AXES = 3


def check(subject: Subject) -> Iterator[Finding]:
    """Find masks that are always 0, always 1, the wrong way round, or sometimes all 0.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no mask, or too little was observed.
    """
    parts = parts_of(subject.raw_space)
    masks = [key for key, part in parts.items() if is_mask(key, part)]
    if not masks:
        raise NotApplicable("no key is called mask or ..._mask")
    observed = subject.observations()
    for key in masks:
        of = masked_key(key, subject.raw_space)
        # before the episode's start nothing is real: of a history (B T N) judge now alone
        past = f"{of}_steps" in parts and observed[key].ndim == _PAST_AXES
        flags = observed[key][:, -1] if past else observed[key]
        mask = flags.reshape(len(flags), -1) != 0
        if len(mask) < LEAST:
            raise NotApplicable(f"needs {LEAST} observations, got {len(mask)}: say env=")
        values = None if of is None else observed[of]
        filled = _filled(values[:, -1] if past and values is not None else values, mask)
        yield from _of_now(key, mask, filled) if past else _judge(key, mask, filled)


def _filled(values: NDArray[Any] | None, mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Tell which tokens hold anything but zeros."""
    if values is None or values[0].size % mask.shape[1]:
        return None
    filled: NDArray[np.bool_] = (values.reshape(*mask.shape, -1) != 0).any(axis=-1)
    return filled


def _of_now(
    key: str, mask: NDArray[np.bool_], filled: NDArray[np.bool_] | None
) -> Iterator[Finding]:
    """Judge the newest step of a history, whose mask is often made by `HistoryVecEnv` itself."""
    always = "say presence_column or mask_key to HistoryVecEnv, or set the mask that it copies to 0"
    for found in _judge(key, mask, filled):
        if not mask.all():
            yield found
        elif found.severity == "warning":
            yield replace(found, fix=f"{always} for rows that hold no entity")


def _judge(
    key: str, mask: NDArray[np.bool_], filled: NDArray[np.bool_] | None
) -> Iterator[Finding]:
    count, empty = len(mask), int((~mask.any(axis=1)).sum())
    if empty == count:
        what = f"0 for every token of all {count} observations: there is nothing to attend to"
        yield Finding("mask", "error", key, what, "set it to 1 for the rows that hold a token")
    elif filled is not None and not filled[mask].any() and filled[~mask].any():
        what = f"1 only where the rows are zero, 0 at {int(filled[~mask].sum())} rows that are not"
        yield Finding("mask", "error", key, what, "turn it round: 1 is a token, 0 is padding")
    elif mask.all():
        idle = 0 if filled is None else int((~filled).sum())
        what = f"1 for all {mask.shape[1]} tokens of all {count} observations"
        if idle:
            what += f", {idle} of which are rows of zeros: padding that counts"
        fix = "set it to 0 for rows that hold no token; a set that is always full needs no mask"
        yield Finding("mask", "warning" if idle else "note", key, what, fix)
    elif empty:
        what = f"0 for every token of {empty} of {count} observations"
        fix = "make sure that the network gives numbers, not NaN, where there is no token"
        yield Finding("mask", "note", key, what, fix)
