"""An edit of the game's state, and whether the model does what was expected of it.

Source: Atrey et al. 2020, "Exploratory Not Explanatory": state a hypothesis about something that
the game knows, intervene on its state, and see whether behaviour and map change as predicted.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rl_attention.errors import UserError
from rl_attention.explain.bootstrap import Estimate, estimate, mean_of
from rl_attention.explain.decisions import Floats
from rl_attention.explain.expectation import (
    Expectation,
    Side,
    concerned,
    held,
    parse_expectation,
)
from rl_attention.explain.maps import compute_maps
from rl_attention.explain.states import States, offers
from rl_attention.explain.subject import Subject
from rl_attention.recording import ProbeSet

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"


@dataclass(frozen=True)
class WhatIf:
    """What came of an edit.

    Attributes:
        edit: The edit.
        expectation: What was expected of it.
        word: `confirmed` where the expectation came true in more than half of the states, by the
            whole interval; `refuted` where in less; `undecided` otherwise.
        share: Share of states where it came true.
        already: Share of the states where the expected action was the likeliest one before the
            edit; None where the expectation is about a change.
        n_states: States that were asked about: something fitted the edit, the agent could see the
            difference, and what the expectation is about was there.
        n_unseen: States where something fitted, but nothing that the agent sees changed.
        n_missing: States where nothing fitted.
        distance: Mean bounded distance of the decisions.
    """

    edit: str
    expectation: str
    word: str
    share: Estimate
    already: float | None
    n_states: int
    n_unseen: int
    n_missing: int
    distance: float

    @property
    def text(self) -> str:
        """One sentence with the numbers."""
        before = "" if self.already is None else f", before the edit in {self.already:.2f}"
        return (
            f'"{self.edit}", expected {self.expectation}: {self.word} on {self.n_states:,} states: '
            f"came true in {self.share}{before}; {self.n_unseen:,} states looked no different, "
            f"{self.n_missing:,} had nothing to edit"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {**asdict(self), "share": self.share._asdict(), "text": self.text}


def ask_what_if(
    model: Any,
    states: States,
    *,
    edit: str,
    expected: str,
    actions: list[str],
    n_states: int = 1_000,
    seed: int = 0,
) -> WhatIf:
    """Compare what a model does before and after an edit with what was expected.

    Args:
        model: A Stable-Baselines3 algorithm.
        states: States collected with this `edit`.
        edit: The edit, as the environment reads it.
        expected: The expectation; see `parse_expectation`.
        actions: Names of the actions.
        n_states: States that are drawn among those that the edit changes.
        seed: Of all that is drawn.

    Raises:
        UserError: The expectation has no sense, no state changed, or none holds what the
            expectation is about.
    """
    wanted = parse_expectation(expected)
    answers = states.edited
    if answers is None:
        raise UserError("expected states that were collected with an edit")
    fitting = [row for row, answer in enumerate(answers) if answer is not None]
    rows = [row for row in fitting if _differs(states.probes, row, answers[row])]
    if not rows:
        raise UserError(
            f"{edit!r}: expected at least one state that it changes for the agent, but of "
            f"{len(states)} states {len(states) - len(fitting)} had nothing to edit and the others "
            "looked no different; name something that the agent meets, or play more episodes"
        )
    fitted = len(rows)
    if fitted > n_states:
        generator = np.random.default_rng([seed, 1])
        rows = sorted(generator.choice(rows, n_states, replace=False).tolist())
    before, after = (
        _side(model, probes, seed)
        for probes in (states.probes.take(rows), _edited([answers[row] for row in rows]))
    )
    about = concerned(wanted, before, after)
    came_true = np.where(about, held(wanted, before, after, actions), np.nan)
    share = estimate([mean_of(states.episodes[rows], came_true)], np.random.default_rng([seed, 0]))
    return WhatIf(
        edit=edit,
        expectation=wanted.text,
        word=_word(share),
        share=share,
        already=_already(wanted, before, actions),
        n_states=share.n,
        n_unseen=len(fitting) - fitted,
        n_missing=len(states) - len(fitting),
        distance=float(before.decisions.distance(after.decisions).mean()),
    )


def _differs(probes: ProbeSet, row: int, answer: Any) -> bool:
    seen, edited = probes.observations, answer["observation"]
    if isinstance(seen, dict):
        return any(not np.array_equal(seen[key][row], edited[key]) for key in seen)
    return not np.array_equal(seen[row], edited)


def _edited(answers: list[Any]) -> ProbeSet:
    seen = [answer["observation"] for answer in answers]
    if isinstance(seen[0], dict):
        stacked: Any = {key: np.stack([row[key] for row in seen]) for key in seen[0]}
    else:
        stacked = np.stack(seen)
    return ProbeSet.from_observations(stacked, [answer["description"] for answer in answers])


def _side(model: Any, probes: ProbeSet, seed: int) -> Side:
    subject = Subject(model, probes, seed=seed, must_hold_entities=False)
    attention: Floats | None = compute_maps(subject, ["attention"]).get("attention")
    return Side(subject.decisions, attention, subject.states.labels, subject.states.types)


def _already(wanted: Expectation, before: Side, actions: list[str]) -> float | None:
    if wanted.about != "action" or wanted.action in ("same", "other"):
        return None
    return float(held(wanted, before, before, actions).mean())


def _word(share: Estimate) -> str:
    if share.low is not None and share.low > 0.5:
        return CONFIRMED
    if share.high is not None and share.high < 0.5:
        return REFUTED
    return UNDECIDED


def action_names(env: Any, space: Any) -> list[str]:
    """Name discrete actions: as the environment says by `action_names`, or by their numbers.

    Args:
        env: A vector environment.
        space: Its action space.
    """
    numbers = [str(number) for number in range(int(getattr(space, "n", 0)))]
    if not offers(env, "action_names"):
        return numbers
    named = [str(name) for name in env.get_attr("action_names", indices=[0])[0]]
    return named if len(named) == len(numbers) else numbers
