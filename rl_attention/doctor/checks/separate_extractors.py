"""Separate extractors that `policy.save` of Stable-Baselines3 makes one of."""

from collections.abc import Iterator

from rl_attention.doctor.findings import Finding, NotApplicable, one_line
from rl_attention.doctor.subject import Subject

_FLAG = "share_features_extractor"


def check(subject: Subject) -> Iterator[Finding]:
    """Find an actor and a critic with an extractor each whose policy does not save that.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model whose policy has both.
    """
    policy = subject.require_model().policy
    actor = getattr(policy, "pi_features_extractor", None)
    critic = getattr(policy, "vf_features_extractor", None)
    if actor is None or critic is None:
        raise NotApplicable(f"{type(policy).__name__} has no extractors for an actor and a critic")
    if actor is critic:
        return
    try:
        kept = policy._get_constructor_parameters()
    except Exception as error:  # foreign code
        raise NotApplicable(f"what policy.save keeps is not known: {one_line(error)}") from error
    if _FLAG not in kept:
        yield Finding(
            "separate_extractors",
            "note",
            "policy.vf_features_extractor",
            f"policy.save of {type(policy).__name__} leaves {_FLAG}=False out: what policy.load "
            "gives back shares one extractor, with the critic's weights, and acts otherwise",
            "save the model by model.save, or take a policy of rl_attention.policies",
        )
