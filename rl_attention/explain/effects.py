"""What changes when one entity is taken out: occlusion, the map that every arm has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.decisions import Decisions, Floats
from rl_attention.explain.subject import Subject


@dataclass(frozen=True, eq=False)
class Effects:
    """The effect of removing each entity of each state; NaN where a slot is padding.

    Attributes:
        kl: Kullback-Leibler divergence of the action distribution without the entity from the one
            with it, in nats, `P N`.
        distance: Bounded distance of the two, `P N`; see `Decisions.distance`.
        drop: How much less likely the action is that is likeliest with it, `P N`.
        flip: 1 where another action is likeliest, `P N`.
        value_change: How much lower the value is, `P N`; None without a critic.
        rows: The state of each entity, `E`.
        slot: Its slot, `E`.
        without: The decisions themselves, `E`.
    """

    kl: Floats
    distance: Floats
    drop: Floats
    flip: Floats
    value_change: Floats | None
    rows: NDArray[np.intp]
    slot: NDArray[np.intp]
    without: Decisions


def measure_effects(subject: Subject) -> Effects:
    """Take out each entity of each state, all in one batch.

    Args:
        subject: The model and the states.
    """
    rows, slot = np.nonzero(subject.present)
    gone = np.zeros((len(rows), subject.present.shape[1]), bool)
    gone[np.arange(len(rows)), slot] = True
    without = subject.without(rows, gone)
    before = subject.decisions.take(rows)

    def spread(values: NDArray[np.generic]) -> Floats:
        table = np.full(subject.present.shape, np.nan)
        table[rows, slot] = values
        return table

    change = before.value_change(without)
    return Effects(
        kl=spread(before.kl(without)),
        distance=spread(before.distance(without)),
        drop=spread(before.drop(without)),
        flip=spread(before.flips(without)),
        value_change=None if change is None else spread(change),
        rows=rows,
        slot=slot,
        without=without,
    )
