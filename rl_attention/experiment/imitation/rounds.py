"""Rounds of asking and fitting: cloning has one, DAgger several (Ross et al. 2011, algorithm 1)."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import set_random_seed

from rl_attention.errors import UserError
from rl_attention.experiment.environments import FITTING, JUDGING, MIXING, derive_seed
from rl_attention.experiment.imitation.collecting import Collector, Labelled, Observation, join
from rl_attention.experiment.imitation.config import ImitationConfig
from rl_attention.experiment.imitation.fitting import Epoch, Fitter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_attention_envs.bot import TaughtEnvs


class Rounds:
    """Asks a bot and fits a model to its answers, round by round.

    In round `i` the bot takes each step with probability `decay^i`; whoever takes it, the bot is
    asked. Each fit is of all labels so far and begins with the weights that the model came with.
    What judges it was come to as the labels were: the bot's own steps alone would favour the fits
    that know least of where the learner goes.

    Args:
        model: An untrained model, whose policy is an actor-critic.
        settings: Of the imitation.
        held_out: The bot's held-out steps.
        seed: The run's.

    Attributes:
        epochs: Passes over labels so far.
        asking_seconds: Time that the questions took, the learner's own steps included.
        fitting_seconds: Time that the fits took.
    """

    def __init__(
        self, model: BaseAlgorithm, settings: ImitationConfig, held_out: Labelled, *, seed: int
    ) -> None:
        self.epochs = 0
        self.asking_seconds = self.fitting_seconds = 0.0
        self._model = model
        self._settings = settings
        self._seed = seed
        self._held_out = held_out
        policy = cast("ActorCriticPolicy", model.policy)
        rng = np.random.default_rng(derive_seed(seed, FITTING))
        self._fitter = Fitter(policy, settings, held_out, rng)

    def go(
        self,
        envs: "TaughtEnvs",
        judging_envs: "TaughtEnvs",
        *,
        on_round: Callable[[], None],
        on_epoch: Callable[[int, Epoch], None],
    ) -> tuple[Labelled, Epoch]:
        """Go through all rounds.

        Args:
            envs: Where the bot is asked.
            judging_envs: Where it is asked for steps that judge later fits than the first.
            on_round: Is called before each round; the model's frames are the questions so far.
            on_epoch: Is told of each pass over labels: in which round, and how it went.

        Returns:
            All labels, and the epoch whose weights the policy has now.

        Raises:
            UserError: The bot had no answer at all.
        """
        # the learner's draws, and dropout's
        set_random_seed(
            derive_seed(self._seed, FITTING), using_cuda=self._model.device.type == "cuda"
        )
        collector = Collector(envs, np.random.default_rng(derive_seed(self._seed, MIXING)))
        judging_rng = np.random.default_rng(derive_seed(self._seed, JUDGING))
        judging = Collector(judging_envs, judging_rng)
        parts: list[Labelled] = []
        judges: list[Labelled] = []
        shares = zip(self._settings.shares(), self._settings.held_out_shares(), strict=True)
        for index, (questions, held_out) in enumerate(shares):
            on_round()
            parts.append(self._ask(collector, index, questions))
            judges.append(self._hold_out(judging, index, held_out))
            self._model.num_timesteps += questions
            labels = join(parts)
            if not len(labels):
                raise UserError(
                    f"imitation: expected answers of the bot, got none to {questions} questions; "
                    "ask more often, or choose another environment"
                )
            kept = self._fit(labels, join(judges) if index else None, index, on_epoch)
        return labels, kept

    def _ask(self, collector: Collector, index: int, questions: int) -> Labelled:
        began = time.monotonic()
        labels = self._collect(collector, index, questions)
        self.asking_seconds += time.monotonic() - began
        return labels

    def _hold_out(self, collector: Collector, index: int, count: int) -> Labelled:
        """Return a round's share of the steps that judge the fits from the second on."""
        if index and count:
            return self._collect(collector, index, count)
        return self._held_out.take(slice(count))

    def _collect(self, collector: Collector, index: int, questions: int) -> Labelled:
        return collector.collect(
            questions,
            learner=self._act if index else None,
            expert_share=self._settings.decay**index,
        )

    def _act(self, observations: Observation) -> "NDArray[np.integer]":
        # drawn, since the likeliest action alone can go round in circles and ask the same for ever
        actions, _ = self._model.predict(observations, deterministic=False)
        return actions

    def _fit(
        self,
        labels: Labelled,
        judged_by: Labelled | None,
        index: int,
        on_epoch: Callable[[int, Epoch], None],
    ) -> Epoch:
        began = time.monotonic()

        def count(epoch: Epoch) -> None:
            self.epochs += 1
            on_epoch(index, epoch)

        kept = self._fitter.fit(labels, count, judged_by=judged_by)
        self.fitting_seconds += time.monotonic() - began
        return kept
