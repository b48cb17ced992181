"""Layers whose start Stable-Baselines3 overwrites."""

from collections.abc import Iterator

from torch import Tensor, nn

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Find layers that their constructor sets to zero, or gives a bias, and the model has not.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model that initialises orthogonally.
    """
    policy = subject.require_on_policy().policy
    if not getattr(policy, "ortho_init", False):
        raise NotApplicable("the policy has ortho_init=False")
    network = subject.network()
    intended = dict(network.alone().named_modules())
    for path, actual in network.extractor.named_modules():
        layer = intended.get(path)
        if not isinstance(layer, nn.Linear | nn.Conv2d) or not isinstance(actual, type(layer)):
            continue
        lost = _find_loss(layer, actual)
        if lost:
            yield Finding(
                "orthogonal_init",
                "warning",
                f"{network.path}.{path}",
                f"{lost}: ortho_init=True overwrites every nn.Linear and nn.Conv2d",
                "policy_kwargs=dict(ortho_init=False), or keep the weights as bare nn.Parameter",
            )


def _find_loss(layer: nn.Linear | nn.Conv2d, actual: nn.Linear | nn.Conv2d) -> str:
    if not layer.weight.any() and actual.weight.any():
        largest = float(actual.weight.detach().abs().max())
        return f"its constructor sets {layer.weight.numel()} weights to 0, here up to {largest:.2g}"
    bias, now = layer.bias, actual.bias
    if bias is None or now is None or not _chosen(bias):
        return ""
    value, mean = float(bias[0]), float(now.detach().mean())
    if bool((now != value).any()):
        return f"its constructor sets the bias to {value:g}, here {mean:.2g} on average"
    return ""


def _chosen(bias: Tensor) -> bool:
    """Tell whether somebody gave all of a bias one value; torch draws each."""
    return len(bias) > 1 and bool(bias[0] != 0) and bool((bias == bias[0]).all())
