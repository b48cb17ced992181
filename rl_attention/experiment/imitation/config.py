"""The settings of learning from BabyAI's own bot."""

from typing import Literal

from pydantic import Field

from rl_attention.experiment.fields import ConfigModel, Count, Fraction, Schedule

DEFAULT_LABELS = 5000


class ImitationConfig(ConfigModel):
    """Learning from BabyAI's bot, in place of reward; both methods ask it `labels` times."""

    method: Literal["bc", "dagger"] = Field(
        default="bc",
        description="bc: fit what the bot does on its own way; dagger: ask it in states that the "
        "learner comes to, too.",
    )
    labels: Count = Field(
        default=DEFAULT_LABELS,
        description="Questions to the bot: steps at which it says what it would do.",
    )
    rounds: Count = Field(
        default=5, description="For dagger: rounds of asking and fitting, equal shares of labels."
    )
    decay: Fraction = Field(
        default=0.5,
        description="For dagger: in round i, counted from 0, the bot takes each step with "
        "probability decay^i, the learner the others.",
    )
    n_epochs: Count = Field(
        default=30, description="Passes of a fit over all labels so far; dagger: in each round."
    )
    batch_size: Count = Field(default=64, description="Labels of one update.")
    learning_rate: Schedule = Field(
        default="lin_1e-3", description="Step size of Adam; lin_X falls from X to 0 in each fit."
    )
    held_out: Count = Field(
        default=2000,
        description="Steps from seeds of their own that a fit is judged by, come to as its labels "
        "are; no labels.",
    )
    keep_best: bool = Field(
        default=True,
        description="End a fit with its best epoch, by accuracy on the steps that judge it.",
    )
    patience: Count | None = Field(
        default=None,
        description="End a fit after so many epochs without a better one.",
    )

    def shares(self) -> tuple[int, ...]:
        """Return the questions of each round; cloning has one round, and all of them in it."""
        return self._shared_out(self.labels)

    def held_out_shares(self) -> tuple[int, ...]:
        """Return how many of the steps that judge the last fit come from each round."""
        return self._shared_out(self.held_out)

    def _shared_out(self, count: int) -> tuple[int, ...]:
        rounds = self.rounds if self.method == "dagger" else 1
        least, more = divmod(count, rounds)
        return tuple(least + (index < more) for index in range(rounds))
