"""Normalised observations that the rollout buffer cuts down to whole numbers."""

from collections.abc import Iterator

from rl_attention.doctor.checks.normalized_ids import find_normalization, normalized_keys
from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.parts import is_integer, parts_of
from rl_attention.doctor.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Find normalised keys whose space, and so the buffer, keeps an integer type.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: Nothing is normalised, or what is stored is not.
    """
    normalized = find_normalization(subject)
    if subject.model is not None:
        # replay buffers keep the observations as they were before
        subject.require_on_policy()
    space = normalized.observation_space if subject.model is None else subject.space
    parts = parts_of(space)
    keys = [key for key in normalized_keys(normalized) if key in parts]
    if not keys:
        raise NotApplicable("no key of the model is normalised")
    for key in keys:
        if is_integer(parts[key]):
            yield Finding(
                "normalized_bytes",
                "error",
                key,
                f"normalised to floats, but the space says {parts[key].dtype}, and so does the "
                "rollout buffer of SB3 2.7.1 and later: the policy learns from cut-off numbers",
                "cast to float32 below VecNormalize: "
                'gymnasium.wrappers.DtypeObservation(env, "float32")',
            )
