"""The policy as a function of the embeddings of the entities, so that gradients can be taken.

Observations of symbols are whole numbers, of which there is no gradient; their embeddings have one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rl_attention.explain.slots import copy_batch
from rl_attention.explain.subject import Subject
from rl_attention.nn import Packed
from rl_attention.recording.locate import acting_extractor
from rl_attention.tokenizers import ObservationTokenizer


class Embedded:
    """What the policy does, as numbers whose gradients say what it depends on.

    Of discrete actions there is one number, the log-probability of the action that is likeliest in
    the state as it is (of several parts, the sum). Of continuous ones there is one for each
    dimension: the mean in units of the standard deviation that it has in the state as it is. The
    log-density at the mean has no gradient, and the squared lengths of these changes add up to
    twice the Kullback-Leibler divergence, as long as the deviation stays.

    Everything behind the tokenizer is the network itself. `B` counts states, `N` slots, `D` the
    width of a token, `A` numbers.

    Args:
        subject: The model and the states.
        tokenizer: What gives the tokens of the entities in the extractor that acts.
    """

    def __init__(self, subject: Subject, tokenizer: nn.Module) -> None:
        self._subject = subject
        self._tokenizer = tokenizer
        before = subject.decisions
        self._actions = [torch.as_tensor(part.argmax(axis=1)) for part in before.probabilities]
        self._std = None if before.std is None else torch.as_tensor(before.std)

    @classmethod
    def of(cls, subject: Subject) -> "Embedded | None":
        """Find the tokens of a model; None where its extractor has none of ours."""
        tokenizer = getattr(acting_extractor(subject.model), "tokenizer", None)
        if not isinstance(tokenizer, ObservationTokenizer):
            return None
        return cls(subject, tokenizer.entities)

    @property
    def n_numbers(self) -> int:
        """`A`."""
        return 1 if self._std is None else self._std.shape[1]

    def embed(self, rows: Tensor) -> Tensor:
        """Give the embeddings of the entities of some states, `B N D`; zeros on padding.

        Args:
            rows: Numbers of states, `B`.
        """
        seen: list[Packed] = []
        with self._replaced(seen.append):
            self._subject.act(copy_batch(self._subject.raw, rows.numpy()))
        tokens, layout = seen[0]
        padded = layout.pad(tokens)
        full = padded.new_zeros(len(padded), self._subject.slots.n_tokens, padded.shape[2])
        full[:, : padded.shape[1]] = padded
        return full.detach()

    def __call__(self, embeddings: Tensor, rows: Tensor) -> Tensor:
        """Tell what the policy does with other embeddings, `B A`.

        Args:
            embeddings: `B N D`; what stands in the padding has no effect.
            rows: The states that all else is taken from, `B`.
        """

        def replace(found: Packed) -> Packed:
            return Packed(found.layout.pack(embeddings), found.layout)

        with self._replaced(replace):
            batch = copy_batch(self._subject.raw, rows.numpy())
            acting = self._subject.act(batch, gradients=True)
        if acting.mean is not None:
            assert self._std is not None
            return acting.mean / self._std[rows].to(acting.mean)
        parts = [
            part.gather(1, action[rows, None].to(part.device))
            for part, action in zip(acting.log_probabilities, self._actions, strict=True)
        ]
        return torch.stack(parts).sum(dim=0)

    @contextmanager
    def _replaced(self, change: Callable[[Packed], Packed | None]) -> Iterator[None]:
        """Put other tokens in the place of those that come out of the tokenizer; None: the same."""

        def hook(module: nn.Module, given: Any, output: tuple[Packed, Any]) -> Any:
            found, places = output
            changed = change(found)
            return None if changed is None else (changed, places)

        handle = self._tokenizer.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()
