"""Where the time of training goes, part by part, for the arms of the throughput benchmark.

Usage: python -m benchmarks.breakdown [--arms A,B] [--rollouts N]
"""

import time
from collections.abc import Callable
from typing import Any

import click
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from benchmarks.arms import Settings, make_arms
from benchmarks.measure import format_table, quick_option, threads_option
from benchmarks.throughput import make_settings
from benchmarks.training_speed import Trainee
from rl_attention.experiment.allocator import keep_freed_memory

PARTS = (
    "environments",
    "acting: extractor",
    "acting: the rest",
    "minibatches",
    "learning: extractor",
    "learning: heads and loss",
    "backward",
    "clipping",
    "optimizer",
    "the rest",
)


class Clocks:
    """Adds up the seconds spent in each part while a model trains.

    Args:
        model: A model of Stable-Baselines3 that learns on-policy; its methods are replaced.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        self.seconds: dict[str, float] = {}
        policy: Any = model.policy
        places: tuple[tuple[str, Any, str], ...] = (
            ("environments", model.env, "step"),
            ("acting", policy, "forward"),
            ("learning", policy, "evaluate_actions"),
            ("extractor", policy, "extract_features"),
            ("minibatches", model.rollout_buffer, "_get_samples"),  # type: ignore[attr-defined]
            ("optimizer", policy.optimizer, "step"),
            ("clipping", torch.nn.utils, "clip_grad_norm_"),
            ("backward", torch.Tensor, "backward"),
        )
        self._inside = ""
        self._replaced = [(owner, name, getattr(owner, name)) for _, owner, name in places]
        for part, owner, name in places:
            setattr(owner, name, self._timed(part, getattr(owner, name)))

    def close(self) -> None:
        """Give back what was replaced in torch itself."""
        for owner, name, original in self._replaced:
            setattr(owner, name, original)

    def _timed(self, part: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            key = f"{self._inside}: extractor" if part == "extractor" else part
            if part in ("acting", "learning"):
                self._inside = part
            began = time.perf_counter()
            found = do(*arguments, **named)
            self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - began
            return found

        return timed


def break_down(model: BaseAlgorithm, settings: Settings, rollouts: int) -> dict[str, float]:
    """Train, and give the seconds of each of `PARTS`.

    Args:
        model: The model.
        settings: Its sizes.
        rollouts: How many rollouts and updates are timed.
    """
    trainee = Trainee(model, frames=settings.frames)
    trainee.warm_up()
    clocks = Clocks(model)
    began = time.perf_counter()
    try:
        for _ in range(rollouts):
            trainee.train_one_rollout()
        total = time.perf_counter() - began
    finally:
        clocks.close()
        trainee.close()
    found = dict(clocks.seconds)
    found["acting: the rest"] = found.pop("acting") - found["acting: extractor"]
    found["learning: heads and loss"] = found.pop("learning") - found["learning: extractor"]
    found["the rest"] = total - sum(found.values())
    return found


@click.command()
@click.option(
    "--arms",
    "names",
    default="textbook,zoo,mlp,attention",
    show_default=True,
    help="Arms of the throughput benchmark.",
)
@click.option("--rollouts", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--env", "env_id", default="MiniGrid-DoorKey-6x6-v0", show_default=True)
@threads_option
@quick_option
def main(names: str, rollouts: int, env_id: str, threads: int, quick: bool) -> None:
    """Print what share of its time each arm spends where, and how long it takes in all."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    settings = make_settings(env_id, "auto" if quick else "envpool", threads, 64, quick=quick)
    arms = make_arms(settings)
    unknown = [name for name in names.split(",") if name not in arms]
    if unknown:
        raise click.ClickException(
            f"--arms: expected some of {', '.join(arms)}, got {unknown[0]!r}: choose among them"
        )
    found = {name: break_down(arms[name].make(), settings, rollouts) for name in names.split(",")}
    click.echo(format_table(table_rows(found)))


def table_rows(found: dict[str, dict[str, float]]) -> list[list[str]]:
    """Lay out the table: a part a row, an arm a column, each in shares of its own time.

    Args:
        found: Seconds of each part, by arm.
    """
    total = {name: sum(parts.values()) for name, parts in found.items()}
    fastest = min(total.values())
    rows = [["share of the time", *found]]
    for part in PARTS:
        shares = [parts[part] / total[name] for name, parts in found.items()]
        rows.append([part, *(f"{share:.0%}" for share in shares)])
    rows.append(["in all, over the fastest", *(f"{total[name] / fastest:.2f}" for name in found)])
    return rows


if __name__ == "__main__":
    main()
