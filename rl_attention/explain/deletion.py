"""How far the decision moves when entities are taken out one after the other, in some order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.decisions import Floats
from rl_attention.explain.subject import Subject


def rank(scores: Floats, present: NDArray[np.bool_], generator: np.random.Generator) -> Floats:
    """Give each real entity its place in the order of falling scores: `P N`, 0 is the first.

    Equal scores are put in a random order, so that a map that says nothing is a random one.

    Args:
        scores: What a map says, `P N`; NaN counts as the lowest.
        present: Which entities are real, `P N`.
        generator: Breaks ties.

    Returns:
        Places; NaN where a slot is padding.
    """
    known = np.where(np.isnan(scores), -np.inf, scores)
    ties = generator.random(scores.shape)
    order = np.lexsort((ties, -known, ~present), axis=1)
    places = np.empty(scores.shape)
    count = np.broadcast_to(np.arange(scores.shape[1], dtype=np.float64), scores.shape)
    np.put_along_axis(places, order, count, axis=1)
    return np.where(present, places, np.nan)


MOST_STEPS = 16
"""Points of a deletion curve; of more entities several are taken out at a time."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a policy does without a set of entities.

    Attributes:
        distance: Bounded distance from what it does with all of them.
        drop: How much less likely the chosen action is.
    """

    distance: Floats
    drop: Floats


class Subsets:
    """Asks about a state without a set of entities, once for each different set.

    Args:
        subject: The model and the states.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def ask(self, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Asked:
        """Take sets of entities out.

        Args:
            rows: Which state each question is about, `B`.
            gone: What it lacks, `B N`.
        """
        keys = np.concatenate([rows[:, None].view(np.uint8), np.packbits(gone, axis=1)], axis=1)
        _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        which = which.reshape(-1)
        before = self._subject.decisions.take(rows[first])
        without = self._subject.without(rows[first], gone[first])
        return Asked(before.distance(without)[which], before.drop(without)[which])


@dataclass(frozen=True, eq=False)
class Curves:
    """Deletion curves of `M` orders: entities are taken out one after the other.

    Attributes:
        rows: The state of each step, `S`.
        taken: How many entities are gone by then, `S`; rising within a state.
        count: How many entities each state has, `P`.
        distance: How far the decision has moved, `M S`.
        drop: How much less likely the chosen action is, `M S`.
    """

    rows: NDArray[np.intp]
    taken: NDArray[np.intp]
    count: NDArray[np.intp]
    distance: Floats
    drop: Floats

    @property
    def area(self) -> Floats:
        """Area under each curve of distance against the share that is gone, `M P`.

        By trapezoids, so at most the largest distance; NaN where a state has no entity.
        """
        first = np.diff(self.rows, prepend=-1) != 0
        last = np.append(first, True)[1:]
        before = self.taken - np.where(first, 0, np.roll(self.taken, 1))  # the curve starts at 0
        after = np.where(last, 0, np.roll(self.taken, -1) - self.taken)
        return self._by_state(self.distance * (before + after) / 2, self.rows, self.count)

    @property
    def end(self) -> Floats:
        """How far the decision moves when no entity is left, `M P`; NaN where there is none."""
        last = self.taken == self.count[self.rows]
        rows = self.rows[last]
        return self._by_state(self.distance[:, last], rows, np.minimum(self.count, 1))

    def drop_after(self, sizes: tuple[int, ...]) -> Floats:
        """Mean drop over the numbers of entities that a state has enough of, `M P`."""
        chosen = np.isin(self.taken, sizes)
        rows = self.rows[chosen]
        number = np.bincount(rows, minlength=len(self.count))
        return self._by_state(self.drop[:, chosen], rows, number)

    def _by_state(self, steps: Floats, rows: NDArray[np.intp], over: NDArray[np.intp]) -> Floats:
        """Add up the steps `M S` of each state, and divide: `M P`."""
        sums = [np.bincount(rows, weights=curve, minlength=len(self.count)) for curve in steps]
        return np.asarray(np.where(over > 0, np.stack(sums) / np.maximum(over, 1), np.nan))


def delete(
    subject: Subject, orders: Floats, *, keep: bool = False, always: tuple[int, ...] = ()
) -> Curves:
    """Take out the entities of all states in each of `M` orders.

    Args:
        subject: The model and the states.
        orders: Places of the entities, as `rank` gives them, `M P N`.
        keep: Take out all but the first of the order, instead of the first.
        always: Numbers of entities that are among the steps even where there are many of them.
    """
    count = subject.present.sum(axis=1)
    steps = [steps_of(n, always) for n in count]
    rows = np.repeat(np.arange(len(count)), [len(taken) for taken in steps])
    taken = np.concatenate([*steps, np.zeros(0, np.intp)])
    with np.errstate(invalid="ignore"):
        first = orders[:, rows] < taken[None, :, None]  # NaN, padding, never is
    gone = subject.present[rows] & ~first if keep else first
    flat = gone.reshape(-1, gone.shape[-1])
    asked = Subsets(subject).ask(np.tile(rows, len(orders)), flat)
    shape = len(orders), len(rows)
    return Curves(rows, taken, count, asked.distance.reshape(shape), asked.drop.reshape(shape))


def steps_of(count: int, always: tuple[int, ...] = ()) -> NDArray[np.intp]:
    """Say after how many entities to ask: after each, or after `MOST_STEPS` even shares of many.

    Args:
        count: Entities of a state.
        always: Further numbers that are asked about, if there are as many.
    """
    if count <= MOST_STEPS:
        return np.arange(1, count + 1)
    even = np.linspace(0, count, MOST_STEPS + 1).round().astype(np.intp)[1:]
    return np.union1d(even, [size for size in always if size <= count]).astype(np.intp)
