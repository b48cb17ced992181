"""What a finished run says of itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rl_attention.imitation_result import ImitationResult
from rl_attention.json_fields import Fields
from rl_attention.zero_shot_result import ZeroShotResult


@dataclass(frozen=True)
class Results:
    """The content of `results.json`.

    Args:
        env: Environment id.
        arm: Name of the arm in tables.
        extractor: Which extractor that is.
        algo: Algorithm.
        seed: Seed.
        n_timesteps: Frames asked for.
        frames: Frames trained, rounded up to whole rollouts.
        success_rate: Share of evaluation episodes that reached the goal.
        mean_reward: Mean return of the evaluation episodes.
        std_reward: Their standard deviation.
        mean_ep_length: Their mean length.
        n_eval_episodes: How many there were.
        episode_returns: Return of each.
        episode_successes: Success of each.
        frames_to_90: Frames until 90 % of enough finished episodes succeeded; None: never.
        curve: Pairs of frames and success rate in training.
        parameters: Trainable numbers of the extractor and of the whole policy.
        fps: Training frames a second, without evaluation.
        wall_time_s: Seconds for everything.
        backend: Who stepped the environments.
        entity_overflow: Entities that did not fit into the view, in training.
        versions: Packages and their versions.
        settings: The whole config.
        operations: Floating-point operations of one decision; None in files of older versions.
        zero_shot: From the name of a test on what was never trained to what came of it; None where
            it means nothing for what the arm sees.
        imitation: What an imitation counted; None for any other training.
    """

    env: str
    arm: str
    extractor: str
    algo: str
    seed: int
    n_timesteps: int
    frames: int
    success_rate: float
    mean_reward: float
    std_reward: float
    mean_ep_length: float
    n_eval_episodes: int
    episode_returns: list[float]
    episode_successes: list[bool]
    frames_to_90: int | None
    curve: list[list[float]]
    parameters: dict[str, int]
    fps: float
    wall_time_s: float
    backend: str
    entity_overflow: int
    versions: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    operations: int | None = None
    zero_shot: dict[str, ZeroShotResult | None] = field(default_factory=dict)
    imitation: ImitationResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; only an imitation's has that field."""
        data = asdict(self)
        if self.imitation is None:
            del data["imitation"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: Path) -> "Results":
        """Read back what `to_dict` gave.

        Args:
            data: Plain data.
            source: The file, for messages.

        Raises:
            UserError: Something is missing or not what it should be.
        """
        told = Fields(data, source)
        return cls(
            env=told.name("env"),
            arm=told.name("arm"),
            extractor=told.name("extractor"),
            algo=told.name("algo"),
            seed=told.whole("seed"),
            n_timesteps=told.whole("n_timesteps"),
            frames=told.whole("frames"),
            success_rate=told.share("success_rate"),
            mean_reward=told.number("mean_reward"),
            std_reward=told.number("std_reward"),
            mean_ep_length=told.number("mean_ep_length"),
            n_eval_episodes=told.whole("n_eval_episodes"),
            episode_returns=told.numbers("episode_returns"),
            episode_successes=told.flags("episode_successes"),
            frames_to_90=None if told.is_null("frames_to_90") else told.whole("frames_to_90"),
            curve=told.pairs("curve"),
            parameters={
                key: told.below("parameters").whole(key) for key in ("extractor", "policy")
            },
            fps=told.number("fps"),
            wall_time_s=told.number("wall_time_s"),
            backend=told.name("backend"),
            entity_overflow=told.whole("entity_overflow"),
            versions=told.below("versions").texts(),
            settings=dict(told.below_if_there("settings").data),
            operations=None if told.is_absent("operations") else told.whole("operations"),
            zero_shot=ZeroShotResult.read_all(told.below_if_there("zero_shot")),
            imitation=None
            if told.is_absent("imitation")
            else ImitationResult.read(told.below("imitation")),
        )
