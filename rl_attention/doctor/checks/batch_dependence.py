"""Features that depend on the other observations of the batch."""

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rl_attention.doctor.checks.dropout import dropouts
from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.network import TOLERANCE, Network, difference
from rl_attention.doctor.subject import Subject

_ROWS, _FEW = 8, 2


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the features of two observations with those they have among eight.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model to try.
    """
    network = subject.network()
    drawn = network.draw(_ROWS)
    apart = _compare(network, drawn, training=False)
    if apart > TOLERANCE:
        yield _finding(network, "error", f"while acting, features differ by {apart:.2g}")
        return
    subject.require_on_policy()
    apart = _compare(network, drawn, training=True)
    if apart > TOLERANCE:
        names = sorted(
            {type(part).__name__ for part in network.extractor.modules() if _norms(part)}
        )
        what = f"in training mode, features differ by {apart:.2g}"
        yield _finding(network, "warning", what + (f" ({', '.join(names)})" if names else ""))


def _compare(network: Network, drawn: Mapping[str, NDArray[Any]], *, training: bool) -> float:
    few = {key: values[:_FEW] for key, values in drawn.items()}
    among = network.features(_steady_twin(network, training), drawn)
    again = network.features(_steady_twin(network, training), drawn, seed=1)
    if difference(among, again) > TOLERANCE:
        raise NotApplicable("the features are drawn at random")
    return difference(among[:_FEW], network.features(_steady_twin(network, training), few))


def _steady_twin(network: Network, training: bool) -> BaseFeaturesExtractor:
    """Build a twin that drops nothing."""
    twin = network.twin(training=training)
    parts = dict(twin.named_modules())
    for path in dropouts(twin):
        if isinstance(parts[path], nn.modules.dropout._DropoutNd):
            parts[path].eval()
        else:
            parts[path].dropout = 0.0
    return twin


def _norms(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


def _finding(network: Network, severity: str, what: str) -> Finding:
    return Finding(
        "batch_dependence",
        "error" if severity == "error" else "warning",
        network.path,
        f"{what} between a batch of {_ROWS} and one of {_FEW} with the same observations",
        "use LayerNorm for BatchNorm, and take no mean or softmax over the batch axis",
    )
