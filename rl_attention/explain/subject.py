"""A model and the states it is asked about."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import maybe_transpose

from rl_attention.errors import UserError
from rl_attention.explain.acting import Acting, ActingOptions, act, spread_of_values
from rl_attention.explain.decisions import Decisions
from rl_attention.explain.removal import Removal, make_removal
from rl_attention.explain.slot_set import Batch
from rl_attention.explain.slots import Slots
from rl_attention.recording import ProbeSet, complete, read_tokens
from rl_attention.recording.locate import acting_extractor
from rl_attention.recording.modes import same_modes, uncompiled
from rl_attention.recording.normalize import as_seen

_BATCH = 2048
"""Observations that go through the network at once."""


class Subject:
    """A model, some states, and a way to take entities out of them.

    `P` counts states, `N` slots of entities (of all sets, in the order of the segment `entities`).

    Args:
        model: A Stable-Baselines3 algorithm with any extractor.
        states: Observations as the environment gives them, not normalised by `VecNormalize`.
        removal: A key of `REMOVALS`; None: see `make_removal`.
        empty: The numbers of an empty place, for the removal `empty`.
        options: For policies without a distribution of their own.
        seed: Of everything that is drawn.
        must_hold_entities: Refuse states of which none has an entity.

    Attributes:
        present: Which slots are real, `P N`.
        options: Those given; a temperature that was left open is that of these states.

    Raises:
        UserError: The observations have no entities, no state has one, or the model cannot be
            asked.
    """

    def __init__(
        self,
        model: Any,
        states: ProbeSet,
        *,
        removal: str | None = None,
        empty: Any = None,
        options: ActingOptions | None = None,
        seed: int = 0,
        must_hold_entities: bool = True,
    ) -> None:
        self.model = model
        self.seed = seed
        self.slots = Slots(model)
        tokens = read_tokens(acting_extractor(model))
        self.states = complete(states, tokens)
        self.raw = _laid_out(states.observations, model.observation_space)
        self.present = self.slots.present(self.raw)
        if must_hold_entities and not self.present.any():
            raise UserError("expected states with at least one entity, but none holds any")
        self.removal: Removal = make_removal(
            removal, self.slots, self.raw, empty=empty, generator=self.generator("donors")
        )
        self.options = self._settled((options or ActingOptions()).checked())

    def __len__(self) -> int:
        return len(self.present)

    @property
    def sizes(self) -> dict[str, int]:
        """Full length of the segments of attention maps."""
        return {**self.states.sizes, "entities": self.slots.n_tokens}

    def generator(self, use: str) -> np.random.Generator:
        """Return the generator of one use; each use has its own, so that none moves another."""
        return np.random.default_rng([self.seed, *use.encode()])

    @cached_property
    def decisions(self) -> Decisions:
        """What the policy does in each state, `P`."""
        return self.decide(self.raw)

    def decide(self, batch: Batch) -> Decisions:
        """Ask the policy about observations that the environment could have given."""
        parts = [Decisions.of(self.act(part)) for part in _chunks(batch)]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def act(self, batch: Batch, *, gradients: bool = False) -> Acting:
        """Ask the policy about a batch, in evaluation mode, leaving no trace in it.

        Args:
            batch: Observations as the environment gives them.
            gradients: Keep what gradients need.
        """
        with self._seen(batch, gradients=gradients) as tensors:
            return act(self.model, tensors, self.options)

    @contextmanager
    def _seen(self, batch: Batch, *, gradients: bool = False) -> Iterator[Any]:
        """Lay a batch before the policy, which is as it was afterwards."""
        policy = self.model.policy
        with same_modes(policy), uncompiled(), torch.set_grad_enabled(gradients):
            policy.set_training_mode(False)
            tensors, _ = policy.obs_to_tensor(as_seen(self.model, batch))
            yield tensors

    def _settled(self, options: ActingOptions) -> ActingOptions:
        """Choose the temperature where none was given, the same for every question."""
        if options.temperature is not None:
            return options
        with self._seen(next(_chunks(self.raw), self.raw)) as tensors:
            return options._replace(temperature=spread_of_values(self.model, tensors))

    def without(self, rows: NDArray[np.intp], gone: NDArray[np.bool_]) -> Decisions:
        """Ask the policy about states without some of their entities.

        Args:
            rows: Which state each question is about, `B`.
            gone: What it lacks, `B N`.
        """
        parts = [
            Decisions.of(self.act(self.removal(self.raw, rows[part], gone[part])))
            for part in _spans(len(rows))
        ]
        return _joined(parts) if parts else self.decisions.take(rows)


def _laid_out(observations: Any, space: Any) -> Batch:
    """Give images the axes that the policy's space has."""
    if isinstance(observations, dict):
        return {
            key: np.array(maybe_transpose(values, space.spaces[key]))
            if key in getattr(space, "spaces", {})
            else np.array(values)
            for key, values in observations.items()
        }
    return np.array(maybe_transpose(observations, space))


def _spans(count: int) -> list[slice]:
    return [slice(first, first + _BATCH) for first in range(0, count, _BATCH)]


def _chunks(batch: Batch) -> Iterator[Batch]:
    if isinstance(batch, dict):
        for part in _spans(len(next(iter(batch.values())))):
            yield {key: values[part] for key, values in batch.items()}
    else:
        for part in _spans(len(batch)):
            yield batch[part]


def _joined(parts: list[Decisions]) -> Decisions:
    def together(arrays: list[Any]) -> Any:
        return None if arrays[0] is None else np.concatenate(arrays)

    return Decisions(
        tuple(map(np.concatenate, zip(*(part.probabilities for part in parts), strict=True))),
        together([part.mean for part in parts]),
        together([part.std for part in parts]),
        together([part.value for part in parts]),
    )
