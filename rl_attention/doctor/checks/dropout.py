"""Dropout under algorithms that compare how they act with how they learn."""

from collections.abc import Iterator

from torch import nn

from rl_attention.doctor.findings import Finding
from rl_attention.doctor.network import TOLERANCE, difference
from rl_attention.doctor.subject import Subject

_ROWS = 8


def check(subject: Subject) -> Iterator[Finding]:
    """Find dropout of an on-policy model, and features that are drawn anew while acting.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model to try.
    """
    policy = subject.require_model().policy
    found = dropouts(policy)
    if found and subject.on_policy:
        path, share = next(iter(found.items()))
        yield Finding(
            "dropout",
            "warning",
            f"policy.{path}",
            f"dropout of {share:g} in {len(found)} modules: Stable-Baselines3 acts without and "
            "learns with it, so the first probability ratio is not 1",
            "set it to 0, or train with DQN or SAC",
        )
    network = subject.network()
    drawn = network.draw(_ROWS)
    one, other = (network.features(network.twin(), drawn, seed=seed) for seed in (0, 1))
    apart = difference(one, other)
    if apart > TOLERANCE:
        yield Finding(
            "dropout",
            "warning",
            network.path,
            f"in evaluation mode the same observations give features that differ by {apart:.2g} "
            "from draw to draw",
            "build nn.Dropout in the constructor, not in forward, so that eval() turns it off",
        )


def dropouts(module: nn.Module) -> dict[str, float]:
    """List the modules that drop something, and which share.

    Args:
        module: Any module.
    """
    found = {}
    for path, part in module.named_modules():
        share = part.p if isinstance(part, nn.modules.dropout._DropoutNd) else None
        share = getattr(part, "dropout", None) if share is None else share
        if isinstance(share, float) and share > 0:
            found[path] = share
    return found
