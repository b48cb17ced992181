"""Everything that is measured of one model on its states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.explain.acting import ActingOptions
from rl_attention.explain.decisions import Floats
from rl_attention.explain.effects import Effects, measure_effects
from rl_attention.explain.maps import check_kinds, compute_maps
from rl_attention.explain.mechanism import Mechanism, measure_mechanisms
from rl_attention.explain.removal import check_removal
from rl_attention.explain.sanity import NotRebuilt, sanity
from rl_attention.explain.scores import N_RANDOM, OCCLUSION, Scored, score_maps
from rl_attention.explain.subject import Subject
from rl_attention.recording import ProbeSet


@dataclass(frozen=True)
class MeasuringOptions:
    """What is measured, and how.

    Attributes:
        maps: Keys of `MAPS`; None: all that the model has.
        removal: A key of `REMOVALS`; None: see `make_removal`.
        empty: The numbers of an empty place, for the removal `empty`.
        acting: For policies without a distribution of their own.
        n_random: Random orders that F is 0 for.
        seed: Of everything that is drawn.
        sanity: Also compare with a network of other weights.
        must_hold_entities: Refuse states of which none has an entity.
    """

    maps: Sequence[str] | None = None
    removal: str | None = None
    empty: Any = None
    acting: ActingOptions = field(default_factory=ActingOptions)
    n_random: int = N_RANDOM
    seed: int = 0
    sanity: bool = True
    must_hold_entities: bool = True

    def checked(self) -> "MeasuringOptions":
        """Return these options, if they make sense.

        Raises:
            UserError: There is no such map or removal, or a number is out of its range.
        """
        check_kinds(self.maps or ())
        self.acting.checked()
        check_removal(self.removal)
        if self.n_random < 1:
            raise UserError(f"n_random: expected 1 or more, got {self.n_random}")
        return self


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of one model; `P` states, `N` slots of entities.

    Attributes:
        subject: The model, its states and its decisions.
        episodes: The episode of each state, `P`.
        effects: What the removal of each entity changes.
        maps: Every map, `occlusion` too, `P N`.
        scored: What each map is worth, state by state.
        mechanisms: What changes when the weights are changed; nothing where nothing attends.
        sanity: Likeness of each map to that of a network of other weights (Kendall's tau).
        notes: What was left out, and why, a sentence each.
    """

    subject: Subject
    episodes: NDArray[np.intp]
    effects: Effects
    maps: Mapping[str, Floats]
    scored: Scored
    mechanisms: Mapping[str, Mechanism]
    sanity: Mapping[str, float]
    notes: tuple[str, ...] = ()


def measure(
    model: Any,
    states: ProbeSet,
    episodes: NDArray[np.intp] | None = None,
    options: MeasuringOptions | None = None,
) -> Measured:
    """Measure what each entity does to the decisions of a model, and what its maps say of that.

    Args:
        model: A Stable-Baselines3 or sb3-contrib algorithm, with an extractor of ours or not.
        states: Observations as the environment gives them, with what it says of them.
        episodes: The episode of each; None: every state is one of its own.
        options: What is measured, and how.

    Raises:
        UserError: The model or the states cannot be asked, or an option has no sense.
    """
    options = (options or MeasuringOptions()).checked()
    subject = Subject(
        model,
        states,
        removal=options.removal,
        empty=options.empty,
        options=options.acting,
        seed=options.seed,
        must_hold_entities=options.must_hold_entities,
    )
    effects = measure_effects(subject)
    maps = compute_maps(subject, options.maps)
    likeness, notes = _compare_networks(subject, maps) if options.sanity else ({}, ())
    return Measured(
        subject=subject,
        episodes=np.arange(len(subject)) if episodes is None else np.asarray(episodes),
        effects=effects,
        maps={**maps, OCCLUSION: effects.kl},
        scored=score_maps(subject, maps, effects, n_random=options.n_random),
        mechanisms=measure_mechanisms(subject),
        sanity=likeness,
        notes=notes,
    )


def _compare_networks(
    subject: Subject, maps: Mapping[str, Floats]
) -> tuple[dict[str, float], tuple[str, ...]]:
    try:
        return sanity(subject, maps, n_networks=1), ()
    except NotRebuilt as error:
        return {}, (f"no comparison with a network of other weights: {error}",)
