"""What checkpoints cost: their share of the time of training, at the default settings.

Usage: python -m benchmarks.checkpoints [--json FILE] [--repeats N] [--quick]
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.measure import (
    Spread,
    describe_machine,
    format_aims,
    format_table,
    json_option,
    named_aims,
    named_spreads,
    quick_option,
    repeats_option,
    spread,
    threads_option,
    warn_if_busy,
)
from rl_attention.callbacks import ResumeCallback
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.config import CheckpointConfig, RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model
from rl_attention.files import write_json

_NEVER = 10**9

ENV = "MiniGrid-DoorKey-6x6-v0"

ARMS: dict[str, dict[str, Any]] = {
    "ppo_attention": {"algo": "ppo", "arm": "attention"},
    "ppo_mlp": {"algo": "ppo", "arm": "mlp"},
    "a2c_attention": {"algo": "a2c", "arm": "attention"},
    "dqn_attention": {"algo": "dqn", "arm": "attention"},
}
"""The fastest arm pays most for a checkpoint, and DQN saves its replay buffer too."""

AIMS = {f"{name}_share": ("<=", 0.02) for name in ARMS}


@click.command()
@threads_option
@repeats_option
@quick_option
@json_option
def main(threads: int, repeats: int | None, quick: bool, json_file: Path | None) -> None:
    """Train over two checkpoints and the last one, and print the share of time that they took."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    machine = describe_machine(threads)
    warn_if_busy(machine)
    every = 256 if quick else CheckpointConfig().every
    shares: dict[str, list[float]] = {name: [] for name in ARMS}
    milliseconds: dict[str, list[float]] = {name: [] for name in ARMS}
    for _ in range(repeats or (1 if quick else 3)):
        for name, arm in ARMS.items():
            click.echo(f"training {name}", err=True)
            took, saving = train(arm, threads, every=every, quick=quick)
            shares[name].append(saving / took)
            milliseconds[name].append(1000 * saving / 3)
    found = {f"{name}_share": spread(values) for name, values in shares.items()}
    rows = [["share of the time of training", "share", "ms a checkpoint"]]
    rows += [
        [name, _percent(spread(shares[name])), str(spread(milliseconds[name]))] for name in ARMS
    ]
    click.echo(format_table(rows))
    click.echo(f"\n{format_aims(found, AIMS)}")
    if json_file is not None:
        details = {"aims": named_aims(AIMS), "every": every, "machine": machine}
        write_json(json_file, {**named_spreads(found), **details})


def train(
    arm: dict[str, Any], threads: int, *, every: int, quick: bool = False
) -> tuple[float, float]:
    """Train one arm over two checkpoints.

    Args:
        arm: What its config changes.
        threads: Threads of the environments.
        every: Frames between checkpoints.
        quick: Take few environments.

    Returns:
        Seconds in all, and seconds of the two checkpoints, of what begins anew there, and of the
        last checkpoint.
    """
    env_config = {"id": ENV, "n_envs": 4} if quick else {"id": ENV}
    config = RunConfig.model_validate({"env": env_config, "device": "cpu", **arm})
    env = build_env(config, threads=threads)
    model = build_model(config, env)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        saving = ResumeCallback(folder, every=every)
        began = time.perf_counter()
        model.learn(2 * every + 1, callback=saving, log_interval=_NEVER)
        took = time.perf_counter() - began
    env.close()
    return took, saving.seconds


def _percent(share: Spread) -> str:
    return f"{share.median:.2%} [{share.low:.2%}, {share.high:.2%}]"


if __name__ == "__main__":
    main()
