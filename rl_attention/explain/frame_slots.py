"""Where the tokens of past frames lie: the rows of all steps, and then the steps themselves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.slot_set import Batch, SlotSet
from rl_attention.tokenizers.schema import SetSpec


@dataclass(frozen=True)
class StepSlots(SlotSet):
    """The steps of past frames: what was done before each and what came with it."""

    @property
    def name(self) -> str:
        """What they are called in messages."""
        return f"{self.spec.name}_steps"

    @property
    def token_size(self) -> int:
        """How many numbers a step has."""
        return sum(self._sizes)

    def tokens(self, batch: Batch) -> NDArray[Any]:
        """Give the steps as rows, `B T A`: a copy."""
        assert isinstance(batch, dict)
        parts = [batch[key].reshape(-1, self.n_tokens, size) for key, size in self._parts]
        empty = np.zeros((len(batch[self.spec.name]), self.n_tokens, 0))
        return np.concatenate(parts, axis=2) if parts else empty

    def put(self, batch: Batch, tokens: NDArray[Any]) -> None:
        """Write rows `B T A` back, in place."""
        assert isinstance(batch, dict)
        ends = np.cumsum(self._sizes)
        for (key, size), end in zip(self._parts, ends, strict=True):
            batch[key][...] = tokens[..., end - size : end].reshape(batch[key].shape)

    @property
    def _parts(self) -> list[tuple[str, int]]:
        known = (self.spec.companions.actions, self.spec.companions.rewards)
        return [(part.key, part.space.shape[1]) for part in known if part is not None]

    @property
    def _sizes(self) -> list[int]:
        return [size for _, size in self._parts]


@dataclass(frozen=True)
class NewestRows(SlotSet):
    """The rows of now."""

    @property
    def token_size(self) -> int:
        """How many numbers a row has."""
        return int(self.spec.space.shape[-1])

    def _values(self, batch: Batch) -> NDArray[Any]:
        return super()._values(batch)[:, -1]


@dataclass(frozen=True)
class SummedSteps(StepSlots):
    """Steps with the rows of their frames and which of them are real.

    Attributes:
        rows_mask: The key that says which rows are real; None: there is none.
        sums_now: Whether the rows of now belong to their step, and are not tokens of their own.
    """

    rows_mask: str | None = None
    sums_now: bool = True

    @property
    def token_size(self) -> int:
        """How many numbers a step has."""
        n_rows, size = self.spec.space.shape[1:]
        return n_rows * (size + (self.rows_mask is not None)) + super().token_size

    def tokens(self, batch: Batch) -> NDArray[Any]:
        """Give the steps as rows, `B T A`: a copy."""
        frames = [part.reshape(len(part), self.n_tokens, -1) for part in self._frames(batch)]
        held = np.concatenate(frames, axis=2)
        if not self.sums_now:
            held[:, -1] = 0
        return np.concatenate([held, super().tokens(batch)], axis=2) if self._sizes else held

    def put(self, batch: Batch, tokens: NDArray[Any]) -> None:
        """Write rows `B T A` back, in place."""
        steps = slice(None if self.sums_now else -1)
        start = 0
        for part in self._frames(batch):
            rows = part.reshape(len(part), self.n_tokens, -1)  # a view
            rows[:, steps] = tokens[:, steps, start : start + rows.shape[2]]
            start += rows.shape[2]
        if self._sizes:
            super().put(batch, tokens[..., start:])

    def _frames(self, batch: Batch) -> list[NDArray[Any]]:
        frames = [self._values(batch)]
        if self.rows_mask is not None:
            assert isinstance(batch, dict)
            frames.append(batch[self.rows_mask])
        return frames


def find_frame_sets(spec: SetSpec, part: Any) -> Iterator[SlotSet]:
    """Give the sets of tokens that past frames are made of.

    Args:
        spec: The frames.
        part: The tokenizer that reads them; None: the network reads them in a way of its own.
    """
    n_steps, n_rows = spec.space.shape[:2]
    of_steps = replace(spec, mask_key=spec.companions.steps)
    presence = None if part is None else part.presence
    if part is None or not part.sums_steps:
        yield SlotSet(spec, n_steps * n_rows, presence)
        if spec.companions.keys:
            yield StepSlots(of_steps, n_steps)
        return
    sums_now = all(row is None for row in part.rows)
    if not sums_now:
        yield NewestRows(spec, n_rows, presence)
    yield SummedSteps(of_steps, n_steps, rows_mask=spec.mask_key, sums_now=sums_now)
