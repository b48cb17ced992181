"""BabyAI's own bot as a teacher: environments of which it can be asked what to do now.

The bot comes with minigrid (Chevalier-Boisvert et al. 2019). It sees the agent's view, keeps a
plan, and replans from wherever the agent's own action has led.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.registry import check_environment, gymnasium_ids
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import Observation, RawBatch, ViewSettings
from rl_attention_envs.vocabulary import mission_bounds

if TYPE_CHECKING:
    from rl_attention_envs.raw import RawObservation

NO_ANSWER = -1
"""In place of an action: the bot was asked, and has none."""

_FAMILY = "BabyAI-"
_MOST_SUBGOALS = 200


def check_bot(env_id: str) -> None:
    """Make sure that there is a bot for an environment, and python MiniGrid to run it in.

    A few levels of BabyAI are beyond the bot all the same, such as ``BabyAI-KeyInBox-v0``.

    Args:
        env_id: The id to look up.

    Raises:
        EnvironmentConfigError: There is none.
    """
    check_environment(env_id)
    if not env_id.startswith(_FAMILY):
        raise EnvironmentConfigError(
            f"imitation: expected an environment of BabyAI, which has a bot, got {env_id}: "
            "choose one such as BabyAI-GoToLocal-v0"
        )
    if env_id not in gymnasium_ids():
        raise EnvironmentConfigError(
            f"imitation: the bot needs python MiniGrid, which does not register {env_id}; choose "
            "another environment of BabyAI"
        )


class _Plan(list[Any]):
    """The bot's stack of subgoals, which cannot grow for ever while it looks for one action."""

    added = 0

    def append(self, subgoal: Any) -> None:
        self.added += 1
        if self.added > _MOST_SUBGOALS:
            raise RuntimeError("the bot goes round in circles")
        super().append(subgoal)


class Adviser:
    """The bot, watching one episode from its first state.

    Args:
        grid_env: MiniGrid's environment, in which an episode has begun.
    """

    def __init__(self, grid_env: Any) -> None:
        self._grid_env = grid_env
        self._bot: Any = None
        self._lost = False

    def advise(self, taken: int | None = None) -> int | None:
        """Ask what to do in the state as it is now. The state stays as it is.

        Args:
            taken: The action that led here; None in the first state of the episode.

        Returns:
            An action; None where the bot does not know, now and for the rest of the episode.
        """
        if self._lost:
            return None
        try:
            action = int(self._replan(taken))
        except Exception:  # no list says what off its own path the bot runs into
            self._lost = True
            return None
        # an empty plan says "done": asked again, it would say so for ever, since it was mistaken
        self._lost = not self._bot.stack
        return action

    def _replan(self, taken: int | None) -> Any:
        if self._bot is None:
            from minigrid.utils.baby_ai_bot import BabyAIBot

            make_bot: Any = BabyAIBot
            self._bot = make_bot(self._grid_env)
            self._bot.stack = _Plan(self._bot.stack)
        self._bot.stack.added = 0
        return self._bot.replan(taken)


class TaughtEnvs:
    """Python BabyAI environments, each with the bot beside it, shown through a view.

    They are asked and stepped row by row, not all at once: whoever counts questions can stop in the
    middle of them. An episode that ends begins anew at once, and so does one where the bot has no
    answer.

    Args:
        env_id: An id of BabyAI.
        view: A key of ``VIEWS``.
        n_envs: Number of environments.
        seed: Decides every episode of every environment.
        max_entities: Rows of the view ``entities``.

    Attributes:
        seeds: The seed of each environment's stream of episodes.
        episodes: Episodes that have ended, those without an answer among them.
        successes: How many of them reached their goal.
        unanswered: Questions that the bot had no answer to; each ended an episode.
        entity_overflow: Things dropped from observations for want of room.

    Raises:
        EnvironmentConfigError: There is no bot, or the view or the environment cannot be had.
    """

    def __init__(
        self,
        env_id: str,
        *,
        view: str = "entities",
        n_envs: int = 1,
        seed: int = 0,
        max_entities: int = 32,
    ) -> None:
        check_bot(env_id)
        bounds = mission_bounds(env_id)
        settings = ViewSettings(bounds.words, bounds.letters, max_entities=max_entities)
        self.view = make_view(view, settings)

        from rl_attention_envs.backends.gymnasium import RawMiniGrid

        self.seeds = spread_seed(seed, n_envs)
        self.episodes = self.successes = self.unanswered = self.entity_overflow = 0
        self._envs = [RawMiniGrid(env_id) for _ in self.seeds]
        self._raw: list[RawObservation] = [
            env.reset(seed=own)[0] for env, own in zip(self._envs, self.seeds, strict=True)
        ]
        self._advisers = [Adviser(env.grid_env) for env in self._envs]
        self._taken: list[int | None] = [None] * n_envs

    def __len__(self) -> int:
        return len(self._envs)

    def observe(self, rows: NDArray[np.intp]) -> Observation:
        """Show the states of some environments.

        Args:
            rows: Which, `B`.

        Returns:
            What ``make_vec_env`` shows of the same states, with a leading axis `B`.
        """
        raw = [self._raw[row] for row in rows]
        image, direction, missions = (
            np.stack([one[key] for one in raw]) for key in ("image", "direction", "mission")
        )
        batch = RawBatch(image, direction, self.view.mission_coder(missions))
        observation, dropped = self.view.encode(batch)
        self.entity_overflow += 0 if dropped is None else int(dropped.sum())
        return observation

    def ask(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Ask the bot in some environments, once for each step of theirs.

        Args:
            rows: Which, `B`.

        Returns:
            An action for each, `B`; ``NO_ANSWER`` where there is none and a new episode has begun.
        """
        answers = np.full(len(rows), NO_ANSWER, np.int64)
        for index, row in enumerate(rows):
            action = self._advisers[row].advise(self._taken[row])
            if action is None:
                self.unanswered += 1
                self._finish(row, success=False)
            else:
                answers[index] = action
        return answers

    def step(self, rows: NDArray[np.intp], actions: NDArray[np.integer[Any]]) -> None:
        """Take an action in some environments, each of which has just been asked.

        Args:
            rows: Which, `B`.
            actions: Their actions, `B`; they need not be the bot's.
        """
        for row, action in zip(rows, actions.tolist(), strict=True):
            self._raw[row], _, terminated, truncated, info = self._envs[row].step(action)
            self._taken[row] = action
            if terminated or truncated:
                self._finish(row, success=info["is_success"])

    def close(self) -> None:
        """Free what the environments hold."""
        for env in self._envs:
            env.close()

    def _finish(self, row: int, *, success: bool) -> None:
        self.episodes += 1
        self.successes += success
        self._raw[row], _ = self._envs[row].reset()
        self._advisers[row], self._taken[row] = Adviser(self._envs[row].grid_env), None
