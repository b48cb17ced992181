"""Attention modules of torch that compute one thing in a rollout and another in training."""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from torch import nn

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.network import ForwardError, Network
from rl_attention.doctor.parts import Observations, is_mask, parts_of
from rl_attention.doctor.subject import Subject

_ROWS = 4
_KINDS = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


def check(subject: Subject) -> Iterator[Finding]:
    """Find such modules, and whether an observation without a token makes them give NaN.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model, or no such module.
    """
    network = subject.network()
    modules = network.extractor.named_modules()
    found = [(path, part) for path, part in modules if isinstance(part, _KINDS)]
    if not found:
        raise NotApplicable("the extractor holds no attention module of torch")
    path, part = found[0]
    where = f"{network.path}.{path}".rstrip(".")
    name = type(part).__name__
    broken = list(_broken_by(network))
    for key, value in broken:
        seen = _count_seen(subject.observed, key, value)
        what = f"nn.{name} gives NaN in a rollout where {key!r} is {value} throughout"
        what += f"; so it was in {seen} observations" if seen else ""
        fix = "let at least one key be read in every row, or use AttentionExtractor"
        yield Finding("fast_path", "error" if seen else "warning", where, what, fix)
    if not broken:
        what = f"nn.{name} computes rollouts by another path than training, with small differences"
        fix = "nothing, as long as no row is fully masked; AttentionExtractor has one path"
        yield Finding("fast_path", "note", where, what, fix)


def _broken_by(network: Network) -> Iterator[tuple[str, int]]:
    """Try masks that leave nothing, in either sense, and entities that are all zero."""
    drawn = network.draw(_ROWS)
    if not _finite(network, drawn):
        raise NotApplicable("the extractor gives NaN for observations drawn from its space")
    for key, part in parts_of(network.policy.observation_space).items():
        entities = isinstance(part, spaces.Box) and len(part.shape) == 2
        for value in (0, 1) if is_mask(key, part) else (0,) if entities else ():
            if not _finite(network, {**drawn, key: np.full_like(drawn[key], value)}):
                yield key, value


def _finite(network: Network, observations: Observations) -> bool:
    try:
        return bool(network.features(network.twin(), observations).isfinite().all())
    except ForwardError:
        return True  # an error is not silent


def _count_seen(observed: Observations, key: str, value: int) -> int:
    values: NDArray[np.generic] | None = observed.get(key)
    if values is None:
        return 0
    return int((values.reshape(len(values), -1) == value).all(axis=1).sum())
