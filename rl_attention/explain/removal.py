"""Taking tokens out of observations: what "without the red ball" means."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.explain.slot_set import Batch, SlotSet
from rl_attention.explain.slots import Slots, copy_batch


class Removal(Protocol):
    """A way to take tokens out."""

    name: str

    def __call__(self, states: Batch, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Batch:
        """Return observations without some of their tokens.

        Args:
            states: Observations, first axis `P`.
            rows: Which state each result is made of, `B`.
            gone: The tokens that it lacks, `B N`.
        """
        ...


class MaskRemoval:
    """The observation says that the token is not there, as it says of padding.

    Where training has seen fewer entities, this is no strange input. Its row becomes zeros, as that
    of padding, for networks that read rows whatever the mask says.
    """

    name = "mask"

    def __init__(self, slots: Slots) -> None:
        for found in slots.sets:
            if not found.maskable:
                raise UserError(
                    f"removal mask: expected observations that say which tokens are real, but "
                    f"{found.name!r} has neither a mask nor a presence column; use removal "
                    "empty or resample"
                )
        self._slots = slots

    def __call__(self, states: Batch, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Batch:
        """Return observations without some of their tokens; see `Removal`."""
        batch = copy_batch(states, rows)
        for found, where in self._slots.split(gone):
            tokens = found.tokens(batch)
            tokens[where] = 0
            found.put(batch, tokens)
            found.set_present(batch, where, to=0)
        return batch


class EmptyRemoval:
    """An empty place stands where the token was, such as an empty cell of a grid."""

    name = "empty"

    def __init__(self, slots: Slots, empty: Any) -> None:
        self._slots = slots
        self._empty = [_row_of(found, empty) for found in slots.sets]

    def __call__(self, states: Batch, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Batch:
        """Return observations without some of their tokens; see `Removal`."""
        batch = copy_batch(states, rows)
        for (found, where), row in zip(self._slots.split(gone), self._empty, strict=True):
            tokens = found.tokens(batch)
            tokens[where] = row
            found.put(batch, tokens)
        return batch


class ResampleRemoval:
    """The token of the same slot in another state stands where the token was.

    Each token of each state has one donor, drawn among the states where that slot is real and holds
    something else; where there is none, the token is masked, or stays if it cannot be.
    """

    name = "resample"

    def __init__(self, slots: Slots, states: Batch, generator: np.random.Generator) -> None:
        self._slots = slots
        self._donors = [
            draw_donors(found.tokens(states), found.present(states), generator)
            for found in slots.sets
        ]

    def __call__(self, states: Batch, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Batch:
        """Return observations without some of their tokens; see `Removal`."""
        batch = copy_batch(states, rows)
        for (found, where), donors in zip(self._slots.split(gone), self._donors, strict=True):
            tokens, source = found.tokens(batch), found.tokens(states)
            index, slot = np.nonzero(where)
            donor = donors[rows[index], slot]
            known = donor >= 0
            tokens[index[known], slot[known]] = source[donor[known], slot[known]]
            found.put(batch, tokens)
            orphans = np.zeros_like(where)
            orphans[index[~known], slot[~known]] = True
            found.set_present(batch, orphans, to=0)
        return batch


def draw_donors(
    tokens: NDArray[Any], present: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.intp]:
    """Draw for each token another state whose token of that slot differs, `P N`; -1: there is none.

    Args:
        tokens: Tokens of `P` states, `P N F`.
        present: Which are real, `P N`.
        generator: Draws.
    """
    n_states, n_tokens = present.shape
    donors = np.full((n_states, n_tokens), -1, np.intp)
    for slot in range(n_tokens):
        real = np.flatnonzero(present[:, slot])
        unlike = (tokens[real, None, slot] != tokens[None, real, slot]).any(axis=2)
        for row, others in zip(real, unlike, strict=True):
            if others.any():
                donors[row, slot] = generator.choice(real[others])
    return donors


def make_removal(
    name: str | None,
    slots: Slots,
    states: Batch,
    *,
    empty: Any = None,
    generator: np.random.Generator,
) -> Removal:
    """Make a removal by its name.

    Args:
        name: `mask`, `empty` or `resample`. None: `empty` where an empty place is known, or else
            `mask` where the observations can say it, or else `resample`.
        slots: Where the tokens are.
        states: The observations that are asked about.
        empty: The numbers of an empty place, or a mapping of them by the key of each set.
        generator: Draws donors.

    Raises:
        UserError: There is no such removal, or it cannot be had.
    """
    check_removal(name)
    if name is None:
        masked = all(found.maskable for found in slots.sets)
        name = "empty" if empty is not None else "mask" if masked else "resample"
    if name == "mask":
        return MaskRemoval(slots)
    if name == "empty":
        return EmptyRemoval(slots, empty)
    return ResampleRemoval(slots, states, generator)


def check_removal(name: str | None) -> None:
    """Refuse a removal that there is not.

    Args:
        name: A key of `REMOVALS`, or None.

    Raises:
        UserError: There is no such removal.
    """
    if name is not None and name not in REMOVALS:
        raise UserError(f"removal: expected one of {', '.join(REMOVALS)}, got {name!r}")


REMOVALS: dict[str, str] = {
    "mask": "the observation says that the entity is not there",
    "empty": "an empty place stands where it was",
    "resample": "the entity of the same slot in another state stands where it was",
}
"""From the name of a removal to what it means."""


def _row_of(found: SlotSet, empty: Any) -> NDArray[Any]:
    given = empty.get(found.name) if isinstance(empty, Mapping) else empty
    if given is None:
        raise UserError(
            f"removal empty: expected the numbers of an empty place of {found.name!r}, and none "
            "are known; give them, or use removal mask or resample"
        )
    row = np.asarray(given).reshape(-1)
    if row.size != found.token_size:
        raise UserError(
            f"removal empty: expected {found.token_size} numbers for an empty place of "
            f"{found.name!r}, got {row.size}"
        )
    return row
