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
class SummedSteps(SlotSet):
    """Steps with the rows of their frames, but for those of now, which have tokens of their own."""

    @property
    def name(self) -> str:
        """What they are called in messages."""
        return f"{self.spec.name}_steps"

    def tokens(self, batch: Batch) -> NDArray[Any]:
        """Give the frames as rows, `B T N*F`, that of now empty: a copy."""
        frames = super().tokens(batch).copy()
        frames[:, -1] = 0
        return frames

    def put(self, batch: Batch, tokens: NDArray[Any]) -> None:
        """Write the frames of the past back, in place."""
        frames = self._values(batch)
        frames[:, :-1] = tokens[:, :-1].reshape(frames[:, :-1].shape)


def find_frame_sets(spec: SetSpec, part: Any) -> Iterator[SlotSet]:
    """Give the sets of tokens that past frames are made of.

    Args:
        spec: The frames.
        part: The tokenizer that reads them; None: the network reads them in a way of its own.
    """
    n_steps, n_rows = spec.space.shape[:2]
    steps = spec.companions.steps
    n_listed = n_steps * n_rows if part is None else sum(row is not None for row in part.rows)
    presence = None if part is None else part.presence
    if n_listed < n_steps * n_rows:
        if n_listed:
            yield NewestRows(spec, n_rows, presence)
        kind = SummedSteps if n_listed else SlotSet
        yield kind(replace(spec, mask_key=steps), n_steps)
        return
    yield SlotSet(spec, n_steps * n_rows, presence)
    if spec.companions.keys:
        yield StepSlots(replace(spec, mask_key=steps), n_steps)
