"""Whether the weights matter: the policy with other weights on the same entities.

A map may name the right entities although the network would act alike with any weights. Every
attention layer that is not over words alone is changed, for all queries and heads at once.

Axes: `B` batch, `H` heads, `Q` queries, `K` keys, `P` states.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from rl_attention.explain.decisions import Decisions, Floats
from rl_attention.explain.maps.recorded import row_parts
from rl_attention.explain.slots import copy_batch
from rl_attention.explain.subject import Subject
from rl_attention.nn import DenseReading, MultiHeadAttention, Probe
from rl_attention.nn.probe import read_call
from rl_attention.nn.reading import PairReading, Reading
from rl_attention.recording.locate import acting_extractor

Change: TypeAlias = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""From weights `B H Q K`, what may be read `B Q K`, and a generator to other weights."""


@dataclass(frozen=True, eq=False)
class Mechanism:
    """How far the decision moves when weights are changed.

    Attributes:
        distance: Bounded distance from what the policy does, `P`; see `Decisions.distance`.
        flip: 1 where another action is likeliest, `P`.
    """

    distance: Floats
    flip: Floats


def make_uniform(weights: Tensor, reach: Tensor, generator: torch.Generator) -> Tensor:
    """Weight every key that may be read alike (Wiegreffe & Pinter 2019, section 3.2)."""
    allowed = reach[:, None].to(weights)
    share = allowed / allowed.sum(dim=-1, keepdim=True).clamp(min=1.0)
    return share * weights.sum(dim=-1, keepdim=True)


def permute(weights: Tensor, reach: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle the weights of the keys that may be read (Jain & Wallace 2019, section 4.2.1)."""
    hidden = ~reach[:, None].expand(weights.shape)
    slots = torch.arange(weights.shape[-1], device=weights.device, dtype=weights.dtype)
    # keys that may not be read come last in both orders, and keep what they have: nothing
    given = slots.expand(weights.shape).masked_fill(hidden, torch.inf).argsort(dim=-1, stable=True)
    drawn = _draw(weights, generator).masked_fill(hidden, torch.inf).argsort(dim=-1, stable=True)
    return torch.zeros_like(weights).scatter(-1, given, weights.gather(-1, drawn))


def zero_largest(weights: Tensor, reach: Tensor, generator: torch.Generator) -> Tensor:
    """Erase the largest weight; the others share what it had (Serrano & Smith 2019)."""
    return _erase(weights, weights.argmax(dim=-1, keepdim=True))


def zero_random(weights: Tensor, reach: Tensor, generator: torch.Generator) -> Tensor:
    """Erase a random weight of those that may be read, but not the largest: the control.

    A query that may read one key alone keeps its weight.
    """
    largest = weights.argmax(dim=-1, keepdim=True)
    others = reach[:, None].expand(weights.shape).scatter(-1, largest, False)
    drawn = _draw(weights, generator).masked_fill(~others, -1.0).argmax(dim=-1, keepdim=True)
    return torch.where(others.any(dim=-1, keepdim=True), _erase(weights, drawn), weights)


MECHANISMS: dict[str, Change] = {
    "uniform": make_uniform,
    "permuted": permute,
    "largest_zeroed": zero_largest,
    "random_zeroed": zero_random,
}
"""From the name of a change to its function. All keep the sum of a row, where a key is left."""


def measure_mechanisms(subject: Subject) -> dict[str, Mechanism]:
    """Ask the policy what it does with other weights.

    Args:
        subject: The model and the states.

    Returns:
        What came of each of `MECHANISMS`; nothing where nothing but words is attended to.
    """
    extractor = acting_extractor(subject.model)
    probes = [] if extractor is None else list(_find_probes(extractor))
    if extractor is None or not probes:
        return {}
    return {name: _measure(subject, name, extractor, probes) for name in MECHANISMS}


def _find_probes(extractor: nn.Module) -> Iterator[Probe]:
    for module in extractor.modules():
        if isinstance(module, Probe) and set(module.keys) != {"words"}:
            yield module


def _measure(subject: Subject, name: str, extractor: nn.Module, probes: list[Probe]) -> Mechanism:
    seed = int(subject.generator(f"mechanism {name}").integers(2**63))
    generator = torch.Generator().manual_seed(seed)
    as_it_is = subject.decisions  # asked before anything is changed
    distance, flip = [], []
    with changed_weights(extractor, probes, MECHANISMS[name], generator):
        for rows in row_parts(subject):
            changed = Decisions.of(subject.act(copy_batch(subject.raw, rows)))
            before = as_it_is.take(rows)
            distance.append(before.distance(changed))
            flip.append(before.flips(changed).astype(np.float64))
    return Mechanism(np.concatenate(distance), np.concatenate(flip))


@contextmanager
def changed_weights(
    extractor: nn.Module, probes: list[Probe], change: Change, generator: torch.Generator
) -> Iterator[None]:
    """Let probes pass on other weights.

    What a query may read is known of our own attention; of any other layer with a probe it is every
    real key.

    Args:
        extractor: What holds the probes.
        probes: Which of them.
        change: What is done to the weights.
        generator: What is drawn from.
    """
    readings: dict[Probe, Reading] = {}

    def keep(module: MultiHeadAttention, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        readings[module.probe] = named["reading"] if "reading" in named else given[1]

    def alter(probe: Probe, given: tuple[Any, ...], named: Any, weights: Tensor) -> Tensor:
        if probe in readings:
            reach = reach_of(readings[probe])
        else:
            reach = read_call(given, named)[1][:, None].expand(-1, weights.shape[2], -1)
        return change(weights, reach, generator)

    handles = [probe.register_forward_hook(alter, with_kwargs=True) for probe in probes]
    for module in extractor.modules():
        if isinstance(module, MultiHeadAttention):
            handles.append(module.register_forward_pre_hook(keep, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def reach_of(reading: Reading) -> Tensor:
    """Tell which keys each query may read, `B Q K`.

    Args:
        reading: Which queries read which keys.
    """
    size = (reading.queries.n_rows, reading.queries.n_slots, reading.keys.n_slots)
    if isinstance(reading, PairReading):
        place = reading.query * size[2] + reading.slot
        flags = reading.key_mask.new_zeros(len(reading.queries.row) * size[2])
        return reading.queries.pad(flags.index_fill(0, place, True).view(-1, size[2]))
    if isinstance(reading, DenseReading):
        return reading.mask[:, 0].expand(size)
    return reading.key_mask[:, None].expand(size)


def _erase(weights: Tensor, where: Tensor) -> Tensor:
    left = weights.scatter(-1, where, 0.0)
    rest = left.sum(dim=-1, keepdim=True)
    scale = weights.sum(dim=-1, keepdim=True) / rest
    return left * torch.where(rest > 0, scale, torch.zeros_like(scale))


def _draw(weights: Tensor, generator: torch.Generator) -> Tensor:
    # on the CPU, so that every device draws the same
    return torch.rand(weights.shape, generator=generator).to(weights)
