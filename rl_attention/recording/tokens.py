"""What a network says of its tokens before it has seen any: how many, of which sets, where."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PLACES = {"cells": "cell", "pixels": "patch"}

STEP = "step"
"""What a token is called that stands for a whole step."""


def when(step: int) -> str:
    """Name a step of a window.

    Args:
        step: 0 is now, negative ones are past.
    """
    return str(step) if step else "now"


@dataclass(frozen=True)
class TokenSet:
    """One set of the observation, as the network cuts it into tokens.

    Attributes:
        count: How many tokens it has.
        kind: `entities`, `cells`, `pixels`, `history` or `frames`.
        key: Key of the observation that holds it; None where the observation is the set.
        grid: Rows and columns, where tokens lie in a grid, row by row.
        n_stack: How many frames are stacked in the observation, if that is known.
        steps: Of past frames, the step of each token: 0 is now, negative ones are past.
        rows: Of past frames, the row of each token in its frame; None: it stands for the step.
        window: Steps and rows of past frames that a description by the environment tells of, all
            rows, oldest first, and then the steps; None: it has one item a token.
    """

    count: int
    kind: str = "entities"
    key: str | None = None
    grid: tuple[int, int] | None = None
    n_stack: int = 1
    steps: tuple[int, ...] = ()
    rows: tuple[int | None, ...] = ()
    window: tuple[int, int] | None = None

    @property
    def n_described(self) -> int:
        """How many items a description by the environment has."""
        return self.count if self.window is None else self.window[0] * (self.window[1] + 1)

    @property
    def described(self) -> list[int]:
        """Which item of a description each token is."""
        if self.window is None:
            return list(range(self.count))
        n_steps, n_rows = self.window
        return [
            n_steps * n_rows + n_steps - 1 + step
            if row is None
            else (n_steps - 1 + step) * n_rows + row
            for step, row in zip(self.steps, self.rows, strict=True)
        ]

    @property
    def names(self) -> list[str]:
        """What its tokens are called when nobody knows better."""
        numbers = range(self.count)
        if self.grid is not None:
            columns = self.grid[1]
            return [f"{_PLACES[self.kind]} {i // columns},{i % columns}" for i in numbers]
        if self.kind == "history":  # oldest first; the newest is 0
            return [f"frame {i - self.count + 1}" for i in numbers]
        stem = "entity" if self.key in (None, "entities", "frames") else self.key
        if self.steps:
            parts = (STEP if row is None else f"{stem} {row}" for row in self.rows)
            return [f"{when(step)} {part}" for step, part in zip(self.steps, parts, strict=True)]
        return [f"{stem} {i}" for i in numbers]


def read_tokens(extractor: Any) -> tuple[TokenSet, ...]:
    """Ask an extractor for the sets of its tokens, in the order of the segment `entities`.

    Args:
        extractor: Any module. One with a `tokenizer` of ours knows all; of any other that has
            `tokenizer.n_tokens` the number is known.

    Returns:
        The sets; nothing where nothing is known.
    """
    tokenizer = getattr(extractor, "tokenizer", None)
    total = getattr(tokenizer, "n_tokens", None)
    if not isinstance(total, int):
        return ()
    found = tuple(_known_sets(tokenizer))
    return found if sum(each.count for each in found) == total else (TokenSet(total),)


def _known_sets(tokenizer: Any) -> Iterator[TokenSet]:
    cutter = getattr(tokenizer, "entities", None)
    schema = getattr(tokenizer, "schema", None)
    specs = getattr(schema, "sets", ())
    n_stack = getattr(getattr(tokenizer, "options", None), "n_stack", 1)
    # several sets have one tokenizer each
    for spec, part in zip(specs, getattr(cutter, "parts", [cutter]), strict=False):
        grid = part.spans if spec.kind in _PLACES else None
        if spec.kind != "frames":
            yield TokenSet(part.n_tokens, spec.kind, spec.key, grid, n_stack)
            continue
        # steps are told of where the observation has them, read or not
        beside = {f"{spec.key}_{name}" for name in ("steps", "actions", "rewards")}
        told = None in part.rows or beside & getattr(schema, "ignored", set())
        window = spec.space.shape[:2] if told else None
        found = part.n_tokens, spec.kind, spec.key
        yield TokenSet(*found, steps=part.steps, rows=part.rows, window=window)
