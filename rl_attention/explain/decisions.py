"""What a policy would do in many observations, and how far two such decisions lie apart."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.acting import Acting

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """Distributions over actions and values of `B` observations, on the CPU.

    Two sets of decisions are compared row by row: the first is what the policy does, the second
    what it would do. Where an action has several discrete parts, divergences are summed over them
    and bounded distances are means over them, since the parts are independent of each other.

    Attributes:
        probabilities: Of discrete actions, one `B A` for each part; empty for continuous ones.
        mean: Of continuous actions, `B A`.
        std: Likewise.
        value: What the critic expects, `B`; None where there is none.
    """

    probabilities: tuple[Floats, ...]
    mean: Floats | None
    std: Floats | None
    value: Floats | None

    @classmethod
    def of(cls, acting: Acting) -> "Decisions":
        """Copy what a policy said."""

        def copied(tensor: Any) -> Floats | None:
            return None if tensor is None else tensor.detach().double().cpu().numpy()

        parts = tuple(part.detach().double().cpu().numpy() for part in acting.log_probabilities)
        likely = tuple(_normalised(np.exp(part)) for part in parts)
        return cls(likely, copied(acting.mean), copied(acting.std), copied(acting.value))

    def __len__(self) -> int:
        first = self.probabilities[0] if self.probabilities else self.mean
        assert first is not None
        return len(first)

    @property
    def discrete(self) -> bool:
        """Whether actions are discrete."""
        return bool(self.probabilities)

    def take(self, rows: Any) -> "Decisions":
        """Choose rows, in the order given."""

        def chosen(array: Floats | None) -> Floats | None:
            return None if array is None else array[rows]

        parts = tuple(part[rows] for part in self.probabilities)
        return replace(
            self,
            probabilities=parts,
            mean=chosen(self.mean),
            std=chosen(self.std),
            value=chosen(self.value),
        )

    def kl(self, other: "Decisions") -> Floats:
        """Kullback-Leibler divergence of the other's actions from these, in nats: `B`."""
        if not self.discrete:
            return _gaussian_kl(*self._gaussian(), *other._gaussian())
        pairs = zip(self.probabilities, other.probabilities, strict=True)
        return np.asarray(np.sum([_kl(p, q) for p, q in pairs], axis=0))

    def distance(self, other: "Decisions") -> Floats:
        """Bounded distance: `B`.

        Of discrete actions the Jensen-Shannon divergence in nats, at most ln 2; of Gaussians, where
        it has no closed form, the squared Hellinger distance, at most 1.
        """
        if not self.discrete:
            return _squared_hellinger(*self._gaussian(), *other._gaussian())
        pairs = zip(self.probabilities, other.probabilities, strict=True)
        return np.asarray(np.mean([_js(p, q) for p, q in pairs], axis=0))

    def drop(self, other: "Decisions") -> Floats:
        """How much less likely the action is that is likeliest here: `B`.

        Of continuous actions the share of the density at the mean that is lost.
        """
        if self.discrete:
            pairs = zip(self.probabilities, other.probabilities, strict=True)
            chosen = [(p.max(axis=1), _pick(q, p.argmax(axis=1))) for p, q in pairs]
            ours = np.prod([own for own, _ in chosen], axis=0)
            return np.asarray(ours - np.prod([theirs for _, theirs in chosen], axis=0))
        (mean, std), (moved, spread) = self._gaussian(), other._gaussian()
        logs = np.log(std / spread) - 0.5 * ((mean - moved) / spread) ** 2
        return np.asarray(1.0 - np.exp(logs.sum(axis=1)))

    def flips(self, other: "Decisions") -> NDArray[np.bool_]:
        """Whether the likeliest action is another one: `B`.

        A continuous action counts as another one where its mean has moved by more than one standard
        deviation along some dimension.
        """
        if self.discrete:
            pairs = zip(self.probabilities, other.probabilities, strict=True)
            changed = [p.argmax(axis=1) != q.argmax(axis=1) for p, q in pairs]
            return np.asarray(np.any(changed, axis=0))
        (mean, std), (moved, _) = self._gaussian(), other._gaussian()
        return np.asarray(np.any(np.abs(mean - moved) > std, axis=1))

    def value_change(self, other: "Decisions") -> Floats | None:
        """How much lower the other's value is: `B`; None without a critic."""
        if self.value is None or other.value is None:
            return None
        return self.value - other.value

    def _gaussian(self) -> tuple[Floats, Floats]:
        assert self.mean is not None
        assert self.std is not None
        return self.mean, self.std


def _normalised(rows: Floats) -> Floats:
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _pick(rows: Floats, columns: NDArray[np.intp]) -> Floats:
    return np.asarray(np.take_along_axis(rows, columns[:, None], axis=1)[:, 0])


def _kl(p: Floats, q: Floats) -> Floats:
    tiny = np.finfo(np.float64).tiny
    with np.errstate(under="ignore"):
        terms = np.where(p > 0, p * (np.log(np.maximum(p, tiny)) - np.log(np.maximum(q, tiny))), 0)
    return np.asarray(np.maximum(terms.sum(axis=1), 0.0))


def _js(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _gaussian_kl(mean: Floats, std: Floats, moved: Floats, spread: Floats) -> Floats:
    ratio = (std / spread) ** 2
    terms = ratio + ((mean - moved) / spread) ** 2 - 1.0 - np.log(ratio)
    return np.asarray(0.5 * terms.sum(axis=1))


def _squared_hellinger(mean: Floats, std: Floats, moved: Floats, spread: Floats) -> Floats:
    total = std**2 + spread**2
    logs = 0.5 * np.log(2 * std * spread / total) - (mean - moved) ** 2 / (4 * total)
    return np.asarray(-np.expm1(np.minimum(logs.sum(axis=1), 0.0)))
