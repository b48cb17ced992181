"""The rules of Recall, for many environments at once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.recall.episodes import Episode
from rl_attention_envs.worlds.rules import Outcome


@dataclass(eq=False)
class State:
    """Where `B` environments are in their episodes of `T` scenes.

    Attributes:
        scenes: What each step shows, `B T M 5`.
        answers: The action that is right, `B`.
        time: The step that is shown, `B`.
    """

    scenes: NDArray[np.int8]
    answers: NDArray[np.intp]
    time: NDArray[np.intp]

    def rows(self, chosen: NDArray[np.intp] | list[int]) -> "State":
        """Return a copy of some environments.

        Args:
            chosen: Which.
        """
        return State(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def put(self, row: int, episode: Episode) -> None:
        """Let an environment begin an episode.

        Args:
            row: Which environment.
            episode: The episode.
        """
        self.scenes[row], self.answers[row] = episode
        self.time[row] = 0

    def shown(self) -> NDArray[np.int8]:
        """Return what is in sight now, `B M 5`."""
        return self.scenes[np.arange(len(self.time)), self.time]


def begin(episodes: Sequence[Episode]) -> State:
    """Return the first state of episodes.

    Args:
        episodes: One for each environment, of one length.
    """
    return State(
        scenes=np.stack([episode.scenes for episode in episodes]),
        answers=np.array([episode.answer for episode in episodes], np.intp),
        time=np.zeros(len(episodes), np.intp),
    )


def step(state: State, actions: NDArray[np.intp]) -> Outcome:
    """Go on to the next scene, in place; where the question is in sight, the action answers it.

    After the answer the question stays in sight.

    Args:
        state: The environments.
        actions: The answer of each, `B`.

    Returns:
        1 for a right answer, whether one was given, and whether it was right.
    """
    last = state.scenes.shape[1] - 1
    asked = state.time == last
    right = asked & (actions == state.answers)
    state.time = np.minimum(state.time + 1, last)
    return Outcome(right.astype(np.float32), asked, right)
