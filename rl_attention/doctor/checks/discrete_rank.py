"""Discrete parts, which have one more axis in training than in a rollout."""

from collections.abc import Iterator

from gymnasium import spaces

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.network import TOLERANCE, ForwardError, difference
from rl_attention.doctor.parts import parts_of
from rl_attention.doctor.subject import Subject

_ROWS = 8
_FIX = "flatten each key in forward: values.flatten(start_dim=1)"


def check(subject: Subject) -> Iterator[Finding]:
    """Try the extractor with one-hot rows `B n` of a rollout and `B 1 n` of training.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model to try, or nothing discrete.
    """
    network = subject.network()
    parts = parts_of(subject.space)
    keys = [key for key, part in parts.items() if isinstance(part, spaces.Discrete)]
    if not keys:
        raise NotApplicable("no part of the observation is Discrete")
    drawn = network.draw(_ROWS)
    acting = network.features(network.twin(), drawn)
    for key in keys:
        size = int(parts[key].n)  # type: ignore[attr-defined]
        shapes = f"(B, {size}) in a rollout, (B, 1, {size}) in training"
        try:
            learning = network.features(
                network.twin(), {**drawn, key: drawn[key].reshape(_ROWS, 1)}
            )
        except ForwardError as error:
            yield Finding("discrete_rank", "error", key, f"{shapes}: there {error}", _FIX)
            continue
        apart = difference(acting, learning)
        if apart > TOLERANCE:
            what = f"{shapes}: the features differ ({apart:.2g}) for the same observations"
            yield Finding("discrete_rank", "error", key, what, _FIX)
