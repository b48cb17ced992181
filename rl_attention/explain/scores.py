"""How well each map tells which entities a decision depends on, state by state."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau  # type: ignore[import-untyped]

from rl_attention.explain.decisions import Floats
from rl_attention.explain.deletion import delete, rank
from rl_attention.explain.effects import Effects
from rl_attention.explain.subject import Subject

SENSITIVE = 1e-3
"""A state counts as sensitive where taking out one entity moves the decision by this distance."""

TOPS = (1, 2, 3, 5)
"""Numbers of entities of comprehensiveness and sufficiency."""

N_RANDOM = 20
"""Random orders whose mean area is the zero of F."""

OCCLUSION = "occlusion"

_NOISE = 1e-6
"""Effects that differ by less are alike: they are rounding errors of the network."""


@dataclass(frozen=True, eq=False)
class StateScores:
    """What a map is worth in each of `P` states; NaN where a score means nothing.

    Attributes:
        gain: Area under its deletion curve, less the mean area of random orders.
        comprehensiveness: Mean fall of the chosen action's probability when its top 1, 2, 3 and 5
            are taken out (DeYoung et al. 2020); high is good.
        sufficiency: The same when all but those are taken out; low is good.
        hit: 1 where its top entity is the one whose removal changes most, or as good as it.
        moved: Bounded distance of the decision when its top entity is taken out.
        flip: 1 where taking its top entity out changes the likeliest action (Serrano & Smith 2019).
        kl: Divergence when its top entity is taken out, in nats.
        violation: 1 where its top entity speaks against the chosen action, or does nothing for it
            (Liu et al. 2022).
        tau: Kendall's tau-b with the effects of removal; supporting only (Neely et al. 2022).
    """

    gain: Floats
    comprehensiveness: Floats
    sufficiency: Floats
    hit: Floats
    moved: Floats
    flip: Floats
    kl: Floats
    violation: Floats
    tau: Floats


@dataclass(frozen=True, eq=False)
class Scored:
    """All maps of one model on the same states.

    Attributes:
        count: Entities of each state, `P`.
        chance: Share of the entities that count as a hit, `P`.
        sensitive: States where taking out some entity changes the decision, `P`.
        joint: States where none of them does by itself, but all of them together do, `P`: they
            work together, or stand in for each other.
        room: Area of the order by effect, less that of random orders, `P`: what F is divided by.
        flip_random: Share of the entities whose removal changes the likeliest action, `P`.
        kl_random: Mean divergence over the entities, in nats, `P`.
        maps: The scores of each map.
    """

    count: NDArray[np.intp]
    chance: Floats
    sensitive: NDArray[np.bool_]
    joint: NDArray[np.bool_]
    room: Floats
    flip_random: Floats
    kl_random: Floats
    maps: Mapping[str, StateScores]

    @property
    def telling(self) -> NDArray[np.bool_]:
        """States where the order of entities matters: sensitive, with two or more of them."""
        return self.sensitive & (self.count > 1)

    def faithfulness(self, name: str) -> Floats:
        """F of a map in each state, `P`; NaN where removal changes too little to tell.

        0 is as good as a random order, 1 as good as the order by effect; it can exceed 1.
        """
        known = self.telling & (self.room > SENSITIVE / 10)
        return np.where(known, self.maps[name].gain / np.where(known, self.room, 1.0), np.nan)


def score_maps(
    subject: Subject, maps: Mapping[str, Floats], effects: Effects, *, n_random: int = N_RANDOM
) -> Scored:
    """Score maps by what happens when entities are taken out in their order.

    Args:
        subject: The model and the states.
        maps: Maps `P N`, higher where an entity is said to matter more; `occlusion` is added.
        effects: What the removal of each entity changes.
        n_random: Random orders.
    """
    present = subject.present
    every = {**maps, OCCLUSION: np.round(effects.kl / _NOISE) * _NOISE}
    ties = subject.generator("ties")
    orders = np.stack([rank(scores, present, ties) for scores in every.values()])
    chance = subject.generator("random orders")
    nothing = np.zeros(present.shape)
    random = np.stack([rank(nothing, present, chance) for _ in range(n_random)])
    curves = delete(subject, np.concatenate([orders, random]), always=TOPS)
    kept = delete(subject, orders, keep=True, always=TOPS)
    area = curves.area
    level = area[len(orders) :].mean(axis=0)
    fall, rest = curves.drop_after(TOPS), kept.drop_after(TOPS)
    count = present.sum(axis=1)
    known = np.where(present, effects.distance, -np.inf)
    sensitive = (known.max(axis=1) > SENSITIVE) | (np.nan_to_num(effects.flip) > 0).any(axis=1)
    return Scored(
        count=count,
        chance=_best(effects).sum(axis=1) / np.maximum(count, 1),
        sensitive=sensitive,
        joint=~sensitive & (np.nan_to_num(curves.end[0]) > SENSITIVE),
        room=area[list(every).index(OCCLUSION)] - level,
        flip_random=_mean(effects.flip),
        kl_random=_mean(effects.kl),
        maps={
            name: _score(every[name], orders[i], effects, area[i] - level, fall[i], rest[i])
            for i, name in enumerate(every)
        },
    )


def _score(
    scores: Floats, places: Floats, effects: Effects, gain: Floats, fall: Floats, rest: Floats
) -> StateScores:
    known = ~np.isnan(effects.kl)
    some = known.any(axis=1)
    top = np.where(np.isnan(places), np.inf, places).argmin(axis=1)
    states = np.arange(len(scores))

    def of_top(table: Floats) -> Floats:
        return np.asarray(table[states, top])

    return StateScores(
        gain=gain,
        comprehensiveness=fall,
        sufficiency=rest,
        hit=np.where(some, of_top(_best(effects).astype(np.float64)), np.nan),
        moved=of_top(effects.distance),
        flip=of_top(effects.flip),
        kl=of_top(effects.kl),
        violation=np.where(some, of_top(effects.drop) <= 0, np.nan),
        tau=np.array([_tau(scores[i], effects.kl[i]) for i in states]),
    )


def _best(effects: Effects) -> NDArray[np.bool_]:
    """Tell which entities matter most, or as good as most, `P N`."""
    known = np.where(np.isnan(effects.kl), -np.inf, effects.kl)
    return np.asarray((known >= known.max(axis=1, keepdims=True) - _NOISE) & np.isfinite(known))


def _tau(scores: Floats, effects: Floats) -> float:
    known = ~np.isnan(effects) & ~np.isnan(scores)
    a, b = scores[known], effects[known]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:  # undefined, and scipy would warn
        return float("nan")
    return float(kendalltau(a, b).statistic)


def _mean(table: Floats) -> Floats:
    count = (~np.isnan(table)).sum(axis=1)
    return np.where(count > 0, np.nansum(table, axis=1) / np.maximum(count, 1), np.nan)
