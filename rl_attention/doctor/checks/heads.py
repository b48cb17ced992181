"""Heads that do not divide the width."""

from collections.abc import Iterator, Mapping
from typing import Any

from rl_attention.doctor.findings import Finding
from rl_attention.doctor.subject import Subject

HEADS = ("n_heads", "num_heads", "n_head", "nhead", "heads")
WIDTHS = ("width", "embed_dim", "d_model", "embedding_dim", "hidden_size", "dim")


def check(subject: Subject) -> Iterator[Finding]:
    """Find a number of heads that leaves a part of the width over.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model.
    """
    model = subject.require_model()
    for path, options in _option_sets(model.policy_kwargs or {}, "policy_kwargs"):
        yield from _judge(path, options)
    network = subject.network()
    for path, module in network.extractor.named_modules():
        yield from _judge(f"{network.path}.{path}".rstrip("."), vars(module))


def _option_sets(options: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """List mappings within mappings."""
    yield path, options
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _option_sets(value, f"{path}.{name}")


def _judge(path: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    for heads, n_heads in _numbers(options, HEADS):
        for width, size in _numbers(options, WIDTHS):
            if size % n_heads:
                nearest = n_heads * max(1, round(size / n_heads))
                yield Finding(
                    "heads",
                    "warning",
                    path,
                    f"{heads}={n_heads} does not divide {width}={size}: heads of "
                    f"{size // n_heads} leave {size % n_heads} columns over",
                    f"set {width}={nearest}, or another {heads}",
                )


def _numbers(options: Mapping[str, Any], names: tuple[str, ...]) -> list[tuple[str, int]]:
    found = [(name, options.get(name)) for name in names]
    return [(name, value) for name, value in found if type(value) is int and value > 0]
