"""What came of learning from a bot, beside the evaluation."""

from dataclasses import dataclass

from rl_attention.json_fields import Fields


@dataclass(frozen=True)
class ImitationResult:
    """What an imitation counted.

    Args:
        questions: How often the bot was asked.
        unanswered: How often it had no answer; each ended an episode.
        bot_success: Share of the bot's own held-out episodes that reached the goal; None: it had
            too few steps to end one.
        held_out: Held-out steps.
        epochs: Passes over labels, all rounds together.
        accuracy: Share of the labels whose action was the likeliest, in the epoch that was kept.
        held_out_accuracy: The same of the held-out steps, after it.
        labels_per_second: Questions a second, the learner's own steps included.
    """

    questions: int
    unanswered: int
    bot_success: float | None
    held_out: int
    epochs: int
    accuracy: float
    held_out_accuracy: float
    labels_per_second: float

    @classmethod
    def read(cls, told: Fields) -> "ImitationResult":
        """Read what a result file says of it.

        Args:
            told: The object.

        Raises:
            UserError: A number is missing, or not what it should be.
        """
        return cls(
            questions=told.whole("questions"),
            unanswered=told.whole("unanswered"),
            bot_success=None if told.is_null("bot_success") else told.share("bot_success"),
            held_out=told.whole("held_out"),
            epochs=told.whole("epochs"),
            accuracy=told.share("accuracy"),
            held_out_accuracy=told.share("held_out_accuracy"),
            labels_per_second=told.number("labels_per_second"),
        )
