"""What was measured of one or several runs, with intervals and a verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rl_attention.errors import UserError, suggest
from rl_attention.explain.bootstrap import Column, Estimate, estimate, mean_of
from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps import MAPS, is_of
from rl_attention.explain.measuring import Measured
from rl_attention.explain.scores import OCCLUSION, StateScores
from rl_attention.explain.verdict import Evidence, Verdict, judge

ATTENTION = "attention"


@dataclass(frozen=True)
class MapScores:
    """What a map is worth over all telling states; see `StateScores` for the terms.

    Attributes:
        faithfulness: F: 0 is as good as random orders, 1 as good as the order by effect; NaN where
            that order is not shown to be better than random ones.
        gain: The area under the deletion curve less that of random orders, which F is a share of.
        comprehensiveness: High is good.
        sufficiency: Low is good.
        hit: Share of states whose top entity is the one that matters most.
        moved: Bounded distance of the decision when the top entity is taken out.
        flip: Share of states where taking out the top entity changes the likeliest action.
        kl: Divergence when the top entity is taken out, in nats.
        violation: Share of states whose top entity does nothing for the chosen action.
        tau: Rank correlation with the effects; supporting only.
        sanity: Rank correlation with the map of a network of other weights; near 0 is good. None
            where it was not measured, or where all entities weigh alike.
    """

    faithfulness: Estimate
    gain: Estimate
    comprehensiveness: Estimate
    sufficiency: Estimate
    hit: Estimate
    moved: Estimate
    flip: Estimate
    kl: Estimate
    violation: Estimate
    tau: Estimate
    sanity: float | None


@dataclass(frozen=True)
class MechanismScores:
    """What changes when attention weights are changed, over all telling states.

    Attributes:
        distance: Bounded distance of the decisions.
        flip: Share of states where another action is likeliest.
    """

    distance: Estimate
    flip: Estimate


@dataclass(frozen=True)
class Explanation:
    """What was found of one or several runs of the same kind.

    Attributes:
        removal: How entities were taken out.
        n_runs: Runs.
        n_episodes: Episodes of all of them.
        n_states: States of all of them.
        n_sensitive: States where taking out some entity changes the decision.
        n_telling: Those of them that have two entities or more: F and all scores are of these.
        n_joint: States where no single entity changes the decision, but all together do.
        temperature: Of the softmax over Q-values, the mean over runs; None where there are none.
        chance: Share of top entities that a random map finds, over the telling states.
        flip_random: Share of entities whose removal changes the likeliest action, likewise.
        kl_random: Mean divergence of removing one entity, in nats, likewise.
        maps: Scores of each map.
        mechanisms: What changed weights change; nothing where nothing attends.
        between_runs: Jensen-Shannon divergence of the attention of two runs on the same states, in
            nats; None for one run.
        verdict: About attention, or about the map that was asked for; None where nothing attends.
        notes: What was left out, and why, a sentence each.
    """

    removal: str
    n_runs: int
    n_episodes: int
    n_states: int
    n_sensitive: int
    n_telling: int
    n_joint: int
    temperature: float | None
    chance: float
    flip_random: Estimate
    kl_random: Estimate
    maps: Mapping[str, MapScores]
    mechanisms: Mapping[str, MechanismScores]
    between_runs: float | None
    verdict: Verdict | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON; NaN becomes None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def check_judged(judged: str) -> None:
    """Refuse a map that no verdict can be about, before anything is measured.

    Args:
        judged: Its name.

    Raises:
        UserError: It is the one by which maps are judged, or there is none of this name.
    """
    if judged != OCCLUSION and not any(is_of(judged, kind) for kind in MAPS):
        raise UserError(
            f"expected a map to judge among {', '.join(MAPS)}, or a head such as attention_l1h0, "
            f"got {judged!r}; {suggest(judged, MAPS)}"
        )
    if judged == OCCLUSION:
        raise UserError("expected another map to judge than occlusion, by which maps are judged")


def summarise(
    runs: Sequence[Measured],
    *,
    judged: str = ATTENTION,
    between_runs: float | None = None,
    seed: int = 0,
) -> Explanation:
    """Put the measurements of one or several runs together.

    Args:
        runs: What was measured of each run, with the same maps.
        judged: The map that the verdict is about; where the runs do not have it, none is given.
        between_runs: Distance of the attention of different runs, if it was measured.
        seed: Of the bootstrap.

    Raises:
        UserError: There is no run, runs differ in their maps or in the removal, or occlusion is to
            be judged, by which everything else is.
    """
    check_judged(judged)
    _check(runs)
    draws = _Draws(runs, seed)
    names = list(runs[0].maps)
    maps = {name: _score_map(draws, name) for name in names}
    mechanisms = {name: _score_mechanism(draws, name) for name in runs[0].mechanisms}
    n_telling = sum(int(run.scored.telling.sum()) for run in runs)
    chance = draws.telling("chance", lambda run: run.scored.chance).mean
    found = Explanation(
        removal=runs[0].subject.removal.name,
        n_runs=len(runs),
        n_episodes=sum(len(np.unique(run.episodes)) for run in runs),
        n_states=sum(len(run.episodes) for run in runs),
        n_sensitive=sum(int(run.scored.sensitive.sum()) for run in runs),
        n_telling=n_telling,
        n_joint=sum(int(run.scored.joint.sum()) for run in runs),
        temperature=_temperature(runs),
        chance=chance,
        flip_random=draws.telling("flip random", lambda run: run.scored.flip_random),
        kl_random=draws.telling("kl random", lambda run: run.scored.kl_random),
        maps=maps,
        mechanisms=mechanisms,
        between_runs=between_runs,
        verdict=None,
        notes=_notes(runs, n_telling),
    )
    if judged not in maps:
        return found
    permuted = mechanisms.get("permuted")
    evidence = Evidence(
        judged,
        maps[judged].faithfulness,
        maps[judged].gain,
        maps[judged].hit,
        maps[judged].moved.mean,
        chance,
        permuted.distance if permuted and judged.startswith(ATTENTION) else None,
        found.n_states,
        n_telling,
        found.n_joint,
    )
    return Explanation(**{**vars(found), "verdict": judge(evidence)})


class _Draws:
    """Estimates, each with a generator of its own, so that none moves another."""

    def __init__(self, runs: Sequence[Measured], seed: int) -> None:
        self.runs = runs
        self._seed = seed

    def telling(self, use: str, read: Callable[[Measured], Floats]) -> Estimate:
        """Estimate a mean over the states where the order of entities matters."""
        return self._estimate(
            use,
            [
                mean_of(run.episodes, np.where(run.scored.telling, read(run), np.nan))
                for run in self.runs
            ],
        )

    def faithfulness(self, name: str) -> Estimate:
        """Estimate F: what a map gains over what there is to gain."""
        columns = []
        for run in self.runs:
            gain = np.where(run.scored.telling, run.scored.maps[name].gain, np.nan)
            columns.append(Column(run.episodes, gain, run.scored.room))
        return self._estimate(f"F {name}", columns)

    def _estimate(self, use: str, columns: list[Column]) -> Estimate:
        return estimate(columns, np.random.default_rng([self._seed, *use.encode()]))


def _score_map(draws: _Draws, name: str) -> MapScores:
    def of(part: str) -> Estimate:
        def read(run: Measured) -> Floats:
            scores: StateScores = run.scored.maps[name]
            return np.asarray(getattr(scores, part), np.float64)

        return draws.telling(f"{part} {name}", read)

    parts = list(StateScores.__dataclass_fields__)
    known = [run.sanity.get(name, np.nan) for run in draws.runs]
    known = [value for value in known if np.isfinite(value)]
    return MapScores(
        faithfulness=draws.faithfulness(name),
        **{part: of(part) for part in parts},
        sanity=float(np.mean(known)) if known else None,
    )


def _score_mechanism(draws: _Draws, name: str) -> MechanismScores:
    return MechanismScores(
        distance=draws.telling(name, lambda run: run.mechanisms[name].distance),
        flip=draws.telling(f"{name} flips", lambda run: run.mechanisms[name].flip.astype(float)),
    )


def _temperature(runs: Sequence[Measured]) -> float | None:
    known = [run.subject.options.temperature for run in runs]
    numbers = [value for value in known if value is not None]
    return float(np.mean(numbers)) if numbers else None


def _notes(runs: Sequence[Measured], n_telling: int) -> tuple[str, ...]:
    notes = list(dict.fromkeys(note for run in runs for note in run.notes))
    silent = sum(not run.scored.telling.any() for run in runs)
    if silent and n_telling:
        notes.append(
            f"{silent} of {len(runs)} runs have no state where one of several entities matters, "
            "and count in no score"
        )
    return tuple(notes)


def _check(runs: Sequence[Measured]) -> None:
    if not runs:
        raise UserError("expected at least one run to explain, got none")
    first = runs[0]
    for run in runs[1:]:
        if run.subject.removal.name != first.subject.removal.name:
            raise UserError(
                "expected runs whose entities are taken out in the same way, got "
                f"{first.subject.removal.name} and {run.subject.removal.name}"
            )
        if list(run.maps) != list(first.maps):
            raise UserError(
                f"expected runs with the same maps, got {list(first.maps)} and {list(run.maps)}"
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate | Verdict):
        return _plain(value._asdict())
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
