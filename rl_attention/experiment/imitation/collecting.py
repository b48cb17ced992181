"""Questions to the bot, and its answers with what was to be seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rl_attention_envs.bot import TaughtEnvs

Observation = NDArray[Any] | dict[str, NDArray[Any]]
Learner = Callable[[Observation], NDArray[np.integer[Any]]]
"""From a batch of observations to an action for each."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Observations, and what the bot would do.

    Args:
        observations: As the environments show them, with a leading axis `B`.
        actions: The bot's actions, `B`.
    """

    observations: Observation
    actions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.actions)

    def take(self, rows: NDArray[Any] | slice) -> "Labelled":
        """Return some of the labels.

        Args:
            rows: Indices, truth values or a slice.
        """
        seen = self.observations
        if isinstance(seen, dict):
            return Labelled({key: part[rows] for key, part in seen.items()}, self.actions[rows])
        return Labelled(seen[rows], self.actions[rows])


def join(parts: Sequence[Labelled]) -> Labelled:
    """Put sets of labels one below the other.

    Args:
        parts: At least one, all of the same kind of observation.
    """
    observations = [part.observations for part in parts]
    actions = np.concatenate([part.actions for part in parts])
    first = observations[0]
    if isinstance(first, dict):
        columns = ((key, [part[key] for part in observations]) for key in first)
        return Labelled({key: np.concatenate(rows) for key, rows in columns}, actions)
    return Labelled(np.concatenate(observations), actions)  # type: ignore[arg-type]


class Collector:
    """Asks the bot in the states that a mixture of bot and learner comes to.

    Episodes go on from one call to the next, so that no call is of their beginnings alone.

    Args:
        envs: Where the bot is asked.
        rng: Decides who takes each step.
    """

    def __init__(self, envs: "TaughtEnvs", rng: np.random.Generator) -> None:
        self.envs = envs
        self._rng = rng

    def collect(
        self, questions: int, *, learner: Learner | None = None, expert_share: float = 1.0
    ) -> Labelled:
        """Ask the bot.

        Args:
            questions: How often, exactly; where the bot has no answer there is no label.
            learner: Who takes the steps that the bot does not; None: there are none.
            expert_share: Probability of each step to be the bot's.
        """
        parts = []
        left = questions
        while left:
            rows = np.arange(min(len(self.envs), left))
            parts.append(self._ask(rows, learner, expert_share))
            left -= len(rows)
        return join(parts)

    def _ask(self, rows: NDArray[np.intp], learner: Learner | None, share: float) -> Labelled:
        seen = self.envs.observe(rows)
        advice = self.envs.ask(rows)
        answered = advice >= 0
        actions = advice
        if learner is not None:
            own = self._rng.random(len(rows)) >= share
            actions = np.where(own, learner(seen), advice)
        self.envs.step(rows[answered], actions[answered])
        return Labelled(seen, advice).take(answered)
