"""Faithfulness on the probes, one number for each tag of TensorBoard."""

from typing import Any

import numpy as np

from rl_attention.explain.decisions import Floats
from rl_attention.explain.effects import measure_effects
from rl_attention.explain.explanation import ATTENTION
from rl_attention.explain.maps import compute_maps
from rl_attention.explain.scores import Scored, score_maps
from rl_attention.explain.subject import Subject
from rl_attention.recording import ProbeSet

_N_RANDOM = 10


def faithfulness_tags(model: Any, probes: ProbeSet, *, empty: Any = None) -> dict[str, float]:
    """Tell how well attention says which entities decide, on the probes of the moment.

    A few probes give no interval: the curves show a course, `rl-attention explain` a result. Tags
    that mean nothing at the moment, since no entity changes a decision, are left out.

    Args:
        model: A Stable-Baselines3 algorithm.
        probes: Observations as the environment gives them.
        empty: The numbers of an empty place, if there is one; see `make_removal`.

    Returns:
        `faithfulness/F`, `/comprehensiveness`, `/sufficiency`, `/kl_top1`, `/kl_random`,
        `/flip_top1`, `/flip_random`, `/top1_hit`, `/polarity_violation`, `/tau`, and
        `/sensitive`, the share of probes where an entity matters.

    Raises:
        UserError: The model cannot be asked; see `Subject`.
    """
    subject = Subject(model, probes, empty=empty)
    maps = compute_maps(subject, [ATTENTION])
    if ATTENTION not in maps:
        return {}
    effects = measure_effects(subject)
    scored = score_maps(subject, {ATTENTION: maps[ATTENTION]}, effects, n_random=_N_RANDOM)
    found = {f"faithfulness/{name}": value for name, value in _means(scored).items()}
    return {tag: value for tag, value in found.items() if np.isfinite(value)}


def _means(scored: Scored) -> dict[str, float]:
    own = scored.maps[ATTENTION]
    several = scored.telling
    room = float(scored.room[several].sum())
    return {
        "F": float(own.gain[several].sum()) / room if room > 0 else float("nan"),
        "comprehensiveness": _mean(own.comprehensiveness, scored),
        "sufficiency": _mean(own.sufficiency, scored),
        "kl_top1": _mean(own.kl, scored),
        "kl_random": _mean(scored.kl_random, scored),
        "flip_top1": _mean(own.flip, scored),
        "flip_random": _mean(scored.flip_random, scored),
        "top1_hit": _mean(own.hit, scored),
        "polarity_violation": _mean(own.violation, scored),
        "tau": _mean(own.tau, scored),
        "sensitive": float(scored.sensitive.mean()),
    }


def _mean(values: Floats, scored: Scored) -> float:
    known = values[scored.telling & np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
