"""What the policy does in a state, and what it would do without each entity."""

from typing import Any

import numpy as np

from rl_attention.explain.decisions import Decisions
from rl_attention.explain.measuring import Measured
from rl_attention.viewer.schema import StepScore, Without

_DIGITS = 4


def plain(values: Any) -> list[float]:
    """Round numbers for a file."""
    return [round(float(value), _DIGITS) for value in values]


def number(value: Any) -> float | None:
    """Round one number for a file; None where it means nothing."""
    return None if value is None or not np.isfinite(value) else round(float(value), _DIGITS)


def action_of(decisions: Decisions, row: int) -> dict[str, Any]:
    """Give the distribution over actions, and the value.

    Actions of several discrete parts are shown by the probabilities of the first.
    """
    value = None if decisions.value is None else number(decisions.value[row])
    if decisions.discrete:
        return {
            "probabilities": plain(decisions.probabilities[0][row]),
            "mean": None,
            "std": None,
            "value": value,
        }
    assert decisions.mean is not None
    assert decisions.std is not None
    mean, std = plain(decisions.mean[row]), plain(decisions.std[row])
    return {"probabilities": [], "mean": mean, "std": std, "value": value}


def without_each(found: Measured, row: int) -> list[Without]:
    """Give what the policy would do without each entity of a state, in the order of the slots."""
    effects = found.effects
    change = effects.value_change
    return [
        Without(
            **action_of(effects.without, int(index)),
            kl=round(float(effects.kl[row, slot]), _DIGITS),
            js=number(effects.distance[row, slot]),
            drop=round(float(effects.drop[row, slot]), _DIGITS),
            value_change=None if change is None else number(change[row, slot]),
            flip=bool(effects.flip[row, slot]),
        )
        for index in np.flatnonzero(effects.rows == row)
        for slot in [int(effects.slot[index])]
    ]


def scores_of(found: Measured, row: int) -> dict[str, StepScore]:
    """Give F and the top entity's hit of every map in one state."""
    scored = found.scored
    return {
        name: StepScore(
            F=number(scored.faithfulness(name)[row]),
            hit=bool(scored.maps[name].hit[row]) if scored.telling[row] else None,
        )
        for name in found.maps
    }
