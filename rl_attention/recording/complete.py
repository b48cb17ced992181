"""Names and places for tokens that a probe set says nothing about."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.recording.grids import draw_grid
from rl_attention.recording.probes import ProbeSet
from rl_attention.recording.tokens import TokenSet


def complete(probes: ProbeSet, tokens: Sequence[TokenSet]) -> ProbeSet:
    """Fill in what is needed to draw, and make every list as long as the network has tokens.

    What the set says is kept. Names come from the kind of set (`cell 2,3`, `entity 4`); of several
    sets, their keys are the types, and stand in every name (`map cell 2,3`); cells and images are
    drawn themselves where there is no other picture with a place for every token. Tokens of past
    frames get the step that they are of.

    Args:
        probes: What is to be drawn.
        tokens: The sets of the network, as `read_tokens` gives them; none: nothing is changed.
    """
    if not tokens:
        return probes
    count = sum(each.count for each in tokens)
    lone = tokens[0] if len(tokens) == 1 else None
    # in a grid a slot is a place, so that a list of another length is about other tokens
    movable = lone is None or not (lone.grid or lone.steps)
    fields: dict[str, Any] = {
        name: _fitted(_chosen(getattr(probes, name), tokens), count, movable=movable)
        for name in ("labels", "types", "boxes")
    }
    if any(each.steps for each in tokens):
        steps = [step for each in tokens for step in each.steps or [0] * each.count]
        fields["steps"] = np.tile(steps, (len(probes), 1))
    fields["labels"] = _named(fields["labels"], fields["types"], tokens, len(probes))
    if fields["types"] is None and lone is None:
        keys = [str(each.key) for each in tokens for _ in range(each.count)]
        fields["types"] = np.tile(np.array(keys), (len(probes), 1))
    if lone is not None and (probes.frames is None or fields["boxes"] is None):
        drawn = draw_grid(probes.observations, lone)
        # the agent's place is one in the frame that is replaced
        fields |= {**drawn, "agent_boxes": None} if drawn else {}
    return replace(probes, **fields)


def _chosen(given: NDArray[Any] | None, tokens: Sequence[TokenSet]) -> NDArray[Any] | None:
    """Keep what is told of the tokens, where the environment tells of more than there are."""
    sizes = [each.n_described for each in tokens]
    if given is None or given.shape[1] != sum(sizes):
        return given
    begins = np.cumsum([0, *sizes])
    kept = [
        item + begin for begin, each in zip(begins, tokens, strict=False) for item in each.described
    ]
    return given[:, kept]


def _fitted(given: NDArray[Any] | None, count: int, *, movable: bool) -> NDArray[Any] | None:
    """Cut or pad `P N ...` to `count` tokens, or drop it."""
    if given is None or given.shape[1] == count:
        return given
    if not movable:
        return None
    fitted = np.zeros((len(given), count, *given.shape[2:]), dtype=given.dtype)
    width = min(count, given.shape[1])
    fitted[:, :width] = given[:, :width]
    return fitted


def _named(
    labels: NDArray[np.str_] | None,
    types: NDArray[np.str_] | None,
    tokens: Sequence[TokenSet],
    n_probes: int,
) -> NDArray[np.str_]:
    names = np.array([name for each in tokens for name in _apart(each, len(tokens))], dtype=np.str_)
    given = types if labels is None else labels
    if given is None:
        return np.tile(names, (n_probes, 1))
    return np.where(given == "", names, given)


def _apart(tokens: TokenSet, n_sets: int) -> list[str]:
    """Names that no token of another set has; those of entities hold the key already."""
    if n_sets == 1 or tokens.kind == "entities":
        return tokens.names
    return [f"{tokens.key} {name}" for name in tokens.names]
