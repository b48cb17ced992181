"""What came of one test on what was never trained."""

from dataclasses import dataclass

from rl_attention.json_fields import Fields


@dataclass(frozen=True)
class ZeroShotResult:
    """The outcome of one test.

    Args:
        success_rate: Share of its episodes that reached the goal.
        mean_reward: Their mean return.
        std_reward: Their standard deviation.
        n_eval_episodes: How many there were.
    """

    success_rate: float
    mean_reward: float
    std_reward: float
    n_eval_episodes: int

    @classmethod
    def read_all(cls, told: Fields) -> "dict[str, ZeroShotResult | None]":
        """Read an object that has a field for each test; null where a test means nothing.

        Args:
            told: The object.

        Raises:
            UserError: A name or a number is not what it should be.
        """
        return {
            told.key_name(name): None if told.is_null(name) else cls._read(told.below(name))
            for name in told.data
        }

    @classmethod
    def _read(cls, told: Fields) -> "ZeroShotResult":
        return cls(
            success_rate=told.share("success_rate"),
            mean_reward=told.number("mean_reward"),
            std_reward=told.number("std_reward"),
            n_eval_episodes=told.whole("n_eval_episodes"),
        )
