"""What a user expects of an edit, said before it is made."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.explain.decisions import Decisions, Floats

SAME, OTHER = "same", "other"

_GRAMMAR = (
    "action=NAME, action!=NAME, action=same, action=other, value:up, value:down, "
    "attention:THING:up or attention:THING:down"
)
_ACTION = re.compile(r"action(!?=)(.+)")
_CHANGE = re.compile(r"(value|attention:(?P<thing>[^:]+)):(?P<way>up|down)")


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Attributes:
        about: `action`, `value` or `attention`.
        action: Name of the expected action, `same` or `other`.
        negated: Whether any action but that one is expected.
        thing: Type or label of the entities whose share of attention is expected to change.
        up: Whether the value, or the share, is expected to rise.
        text: As it was given.
    """

    about: str
    text: str
    action: str = ""
    negated: bool = False
    thing: str = ""
    up: bool = False


def parse_expectation(text: str) -> Expectation:
    """Read an expectation such as `action=left` or `attention:key:down`.

    Args:
        text: The expectation.

    Raises:
        UserError: It says something else.
    """
    plain = " ".join(text.lower().split())
    if found := _ACTION.fullmatch(plain):
        return Expectation("action", plain, action=found[2].strip(), negated=found[1] == "!=")
    if found := _CHANGE.fullmatch(plain):
        thing = (found["thing"] or "").strip()
        about = "attention" if thing else "value"
        return Expectation(about, plain, thing=thing, up=found["way"] == "up")
    raise UserError(f"expected {_GRAMMAR}, got {text!r}")


@dataclass(frozen=True, eq=False)
class Side:
    """The model before or after an edit, in `P` states.

    Attributes:
        decisions: What it does.
        attention: Its attention, `P N`; None where nothing attends.
        labels: Names of the entities, `P N`.
        types: Their kinds, `P N`.
    """

    decisions: Decisions
    attention: Floats | None
    labels: NDArray[np.str_] | None
    types: NDArray[np.str_] | None

    def share_of(self, thing: str) -> Floats:
        """Share of attention on the entities of a type or label, `P`."""
        if self.attention is None:
            raise UserError("expected a model that attends, to ask about attention:...")
        named = self.called(thing)
        return np.asarray(np.nansum(np.where(named, self.attention, 0.0), axis=1))

    def called(self, thing: str) -> NDArray[np.bool_]:
        """Tell which entities are of a type or label, `P N`."""
        known = [np.char.lower(names) for names in (self.labels, self.types) if names is not None]
        if not known:
            raise UserError("expected entities with names, to ask about attention:...")
        return np.asarray(np.any([names == thing for names in known], axis=0))


def held(expected: Expectation, before: Side, after: Side, actions: list[str]) -> NDArray[np.bool_]:
    """Tell in which states an expectation came true, `P`.

    Args:
        expected: The expectation.
        before: The model before the edit.
        after: The model after it.
        actions: Names of the actions.

    Raises:
        UserError: There is no such action, nothing attends, or nothing has a value.
    """
    if expected.about == "attention":
        change = after.share_of(expected.thing) - before.share_of(expected.thing)
        return np.asarray(change > 0 if expected.up else change < 0)
    if expected.about == "value":
        lower = before.decisions.value_change(after.decisions)
        if lower is None:
            raise UserError(f"{expected.text}: expected a model with a value, got one without")
        return np.asarray(lower < 0 if expected.up else lower > 0)
    if expected.action in (SAME, OTHER):
        flips = before.decisions.flips(after.decisions)
        came_true = flips if expected.action == OTHER else ~flips
    else:
        came_true = likeliest(after.decisions) == _number(expected.action, actions)
    return ~came_true if expected.negated else came_true


def concerned(expected: Expectation, before: Side, after: Side) -> NDArray[np.bool_]:
    """Tell in which states an expectation says something, `P`: where its thing is, or was.

    Args:
        expected: The expectation.
        before: The model before the edit.
        after: The model after it.

    Raises:
        UserError: There is no such thing in any state.
    """
    if expected.about != "attention":
        return np.ones(len(before.decisions), bool)
    there = [side.called(expected.thing).any(axis=1) for side in (before, after)]
    found = np.asarray(there[0] | there[1])
    if not found.any():
        raise UserError(
            f"{expected.text}: expected something that is there, got {expected.thing!r}"
        )
    return found


def likeliest(decisions: Decisions) -> NDArray[Any]:
    """Number of the likeliest action, `P`.

    Raises:
        UserError: Actions are continuous, or have several parts.
    """
    if len(decisions.probabilities) != 1:
        raise UserError(
            "action=NAME: expected one discrete action; use action=same or action=other"
        )
    return np.asarray(decisions.probabilities[0].argmax(axis=1))


def _number(name: str, actions: list[str]) -> int:
    known = [action.lower() for action in actions]
    if name in known:
        return known.index(name)
    if name.isdecimal() and int(name) < len(known):
        return int(name)
    raise UserError(f"expected an action of {', '.join(known)}, got {name!r}")
