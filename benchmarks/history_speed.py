"""Training speed of attention over past frames beside that of RecurrentPPO's LSTM: a table a task.

Usage: python -m benchmarks.history_speed [--env ID]... [--n-steps N] [--json FILE] [--quick]
"""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import torch

from benchmarks import measure as m
from benchmarks.training_speed import Trainee
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import backend_name, build_env
from rl_attention.experiment.models import build_model, count_model_parameters
from rl_attention.files import write_json


class Task(NamedTuple):
    """What a task needs, as the suites `memory` and `language` have it.

    Attributes:
        env: Options of the environment.
        n_epochs: Passes over each rollout, of every arm.
    """

    env: dict[str, int]
    n_epochs: int


TASKS = {
    "Recall-32-v0": Task({"max_entities": 4}, n_epochs=8),
    "MiniGrid-MemoryS13-v0": Task({"agent_view_size": 3, "max_entities": 2}, n_epochs=8),
    "BabyAI-GoToLocal-v0": Task({}, n_epochs=8),
}
OTHER = Task({}, n_epochs=4)
WINDOW = 32
SUMMARY: dict[str, Any] = {"frames": "summary"}
EGO: dict[str, Any] = {"attention": "ego"}
READ: dict[str, Any] = {"n_blocks": 0}  # one query reads all steps; nothing else attends
ROWS: dict[str, Any] = {"ignored_keys": ["frames_actions", "frames_rewards", "frames_steps"]}
SIZED_BY = "attention_summary"
AIMED = (SIZED_BY, "attention_summary_ego", "attention_summary_read", "attention_rows_read")
BASELINES = ("lstm_mlp", "lstm_mlp_256")
Speeds = dict[str, list[float]]
SHOWN = ("n_envs", "n_steps", "batch_size", "n_epochs")


class Arm(NamedTuple):
    """One row of the table; what is not said is the project's default.

    Attributes:
        arm: A features extractor.
        n_frames: Frames that the agent sees; None: the newest, without what it did.
        extractor: Options of the extractor.
        units: Of each LSTM; 0: such that the policy is as large as `SIZED_BY`; None: no LSTM.
    """

    arm: str
    n_frames: int | None
    extractor: dict[str, Any]
    units: int | None = None


ARMS = {
    "attention_summary": Arm("attention", WINDOW, SUMMARY),
    "attention_summary_ego": Arm("attention", WINDOW, SUMMARY | EGO),
    "attention_summary_read": Arm("attention", WINDOW, SUMMARY | READ),
    "attention_rows_read": Arm("attention", WINDOW, ROWS | READ),
    "attention_entities_ego": Arm("attention", WINDOW, EGO),
    "mlp_summary": Arm("mlp", WINDOW, SUMMARY),
    "attention_now": Arm("attention", None, {}),
    "lstm_mlp": Arm("mlp", 1, {}, units=0),
    "lstm_mlp_256": Arm("mlp", 1, {}, units=256),
    "lstm_summary": Arm("mlp", 1, SUMMARY, units=0),
    "lstm_attention": Arm("attention", 1, {}, units=0),
    "lstm_attention_256": Arm("attention", 1, {}, units=256),
}
"""`SIZED_BY` comes before those that it sizes."""


class Row(NamedTuple):
    """What an arm was trained with, and its speed over those of `BASELINES`, on two clocks."""

    about: dict[str, Any]
    ratios: dict[str, m.Spread]


@click.command()
@click.option(
    "--env", "env_ids", multiple=True, default=tuple(TASKS), show_default=True, help="Tasks."
)
@click.option(
    "--n-steps",
    type=click.IntRange(min=2),
    help="Steps of every arm's rollout.  [default: each algorithm's own: PPO 40, RecurrentPPO 128]",
)
@m.threads_option
@m.repeats_option
@m.quick_option
@m.json_option
def main(
    env_ids: Sequence[str],
    n_steps: int | None,
    threads: int,
    repeats: int | None,
    quick: bool,
    json_file: Path | None,
) -> None:
    """Compare attention over the last 32 frames with RecurrentPPO, which sees one at a time.

    Whole training is timed, with the environments and models of `rl-attention train`. Where other
    programs run, ratios of processor time say more than those by the clock.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    machine = m.describe_machine(threads)
    m.warn_if_busy(machine)
    n_steps = n_steps or (8 if quick else None)
    repeats = repeats or (2 if quick else 5)
    found: dict[str, m.Spread] = {}
    arms = {}
    for env_id in env_ids:
        rows = compare(env_id, n_steps, threads, repeats)
        click.echo(f"{env_id}\n{_table(rows)}\n")
        for name in AIMED:
            found |= {f"{env_id}: {name} {key}": one for key, one in rows[name].ratios.items()}
        arms[env_id] = {key: row.about | m.named_spreads(row.ratios) for key, row in rows.items()}
    aims = dict.fromkeys(found, (">=", 3.0))
    click.echo(m.format_aims(found, aims))
    if json_file is not None:
        settings = {"n_frames": WINDOW, "n_steps": n_steps, "repeats": repeats, "machine": machine}
        named = {**m.named_spreads(found), "aims": m.named_aims(aims)}
        write_json(json_file, {**named, "arms": arms, **settings})


def compare(env_id: str, n_steps: int | None, threads: int, repeats: int) -> dict[str, Row]:
    """Let all arms train on a task by turns.

    Args:
        env_id: The task.
        n_steps: Steps of every arm's rollout; None: each algorithm's own.
        threads: Threads of the environments.
        repeats: How often each arm has its turn.
    """
    trainees = {}
    about: dict[str, dict[str, Any]] = {}
    processor: Speeds = {name: [] for name in ARMS}
    for name, arm in ARMS.items():
        click.echo(f"{env_id}: warming up {name}", err=True)
        config = _config(env_id, arm, n_steps)
        model = _make(config, threads, about[SIZED_BY]["parameters"] if arm.units == 0 else None)
        about[name] = {
            "backend": backend_name(config.env),
            "parameters": count_model_parameters(model)["policy"],
            "lstm_hidden_size": model.policy_kwargs.get("lstm_hidden_size"),
            **{key: getattr(model, key) for key in SHOWN},
        }
        trainees[name] = Trainee(model, frames=model.n_steps * model.n_envs)
        trainees[name].warm_up()
    turns = {name: partial(_turn, one, processor[name]) for name, one in trainees.items()}
    wall = m.interleave(turns, repeats, say=partial(click.echo, err=True))
    for trainee in trainees.values():
        trainee.close()
    return {name: Row(about[name], _ratios(name, wall, processor)) for name in ARMS}


def _config(env_id: str, arm: Arm, n_steps: int | None) -> RunConfig:
    task = TASKS.get(env_id, OTHER)
    units = 1 if arm.units == 0 else arm.units
    sizes = {"n_steps": n_steps, "lstm_hidden_size": units, "n_epochs": task.n_epochs}
    return RunConfig.model_validate(
        {
            "arm": arm.arm,
            "algo": "ppo" if arm.units is None else "ppo_lstm",
            "env": {"id": env_id, "n_frames": arm.n_frames, **task.env},
            "extractor": arm.extractor,
            "hyperparams": {name: size for name, size in sizes.items() if size is not None},
            "device": "cpu",
        }
    )


def _make(config: RunConfig, threads: int, wanted: int | None) -> Any:
    """Build a model; if a number of parameters is wanted, with as many units as come closest."""
    model: Any = build_model(config, build_env(config, threads=threads))
    if wanted is None:
        return model
    # two LSTMs, and what the two heads read of them
    fixed = 4 * (model.policy.features_dim + 2) + config.net_arch[0]
    sizes = [2 * n * (4 * n + fixed) for n in range(1024)]
    rest = count_model_parameters(model)["policy"] - sizes[1]
    units = min(range(1, 1024), key=lambda n: abs(rest + sizes[n] - wanted))
    hyperparams = config.hyperparams.model_copy(update={"lstm_hidden_size": units})
    return build_model(config.model_copy(update={"hyperparams": hyperparams}), model.get_env())


def _turn(trainee: Trainee, processor: list[float]) -> float:
    """Train on; note the frames a second of processor time, and give those by the clock."""
    began = time.process_time()
    speed = trainee.frames_per_second()
    processor.append(trainee.rollouts * trainee.frames / (time.process_time() - began))
    return speed


def _ratios(arm: str, wall: Speeds, processor: Speeds) -> dict[str, m.Spread]:
    return {
        f"over {base}{clock}": m.spread_of_ratio(speeds[arm], speeds[base])
        for clock, speeds in (("", wall), (", processor", processor))
        for base in BASELINES
    }


def _table(rows: dict[str, Row]) -> str:
    cells = [["training frames a second", *rows[SIZED_BY].ratios, "parameters"]]
    for name, (about, ratios) in rows.items():
        cells.append([name, *map(str, ratios.values()), f"{about['parameters']:,}"])
    return m.format_table(cells)


if __name__ == "__main__":
    main()
