"""`rl-attention eval`: a trained run, or a trusted zip, on fresh episodes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rl_attention.cli.common import check_writable, json_option, write_numbers
from rl_attention.cli.errors import debug_option
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from rl_attention.experiment.evaluation import Evaluation
    from rl_attention.experiment.loading import LoadedRun


@click.command("eval")
@click.argument("path", metavar="FOLDER|ZIP", type=click.Path(path_type=Path))
@click.option(
    "-n", "--n-episodes", type=click.IntRange(min=1), help="Episodes. [default: as in training]"
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed. [default: as in training]")
@click.option("--deterministic/--stochastic", default=None, help="Likeliest action, or a draw.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N, mps.")
@click.option("--best", is_flag=True, help="The best checkpoint, not the last weights.")
@click.option("--trust", is_flag=True, help="Open a ZIP of SB3, and run the code in it.")
@click.option("--algo", metavar="ppo|a2c|dqn", help="Of a ZIP: its algorithm.")
@click.option("--env", "env_id", metavar="TEXT", help="Of a ZIP: its environment.")
@click.option(
    "--env.view", "view", metavar="entities|cells|pixels|flat", help="Of a ZIP: what it sees."
)
@click.option("--env.max_entities", "max_entities", type=int, help="Of a ZIP: rows of its view.")
@json_option
@debug_option
def command(
    path: Path,
    n_episodes: int | None,
    seed: int | None,
    deterministic: bool | None,
    device: str | None,
    best: bool,
    trust: bool,
    algo: str | None,
    env_id: str | None,
    view: str | None,
    max_entities: int | None,
    json_file: Path | None,
) -> None:
    """Evaluate the run in FOLDER, of which nothing is unpickled, or a ZIP of Stable-Baselines3.

    A ZIP holds Python code that runs when it is opened: it needs --trust, --algo and --env.
    """
    check_writable(json_file)
    evaluation = {"n_episodes": n_episodes, "deterministic": deterministic}
    changes = _given({"seed": seed, "device": device, "eval": _given(evaluation)})
    env = _given({"id": env_id, "view": view, "max_entities": max_entities})
    about = _given({"algo": algo, "env": env or None})
    if os.path.isfile(path):
        if best:
            raise UserError(f"--best is for a run folder, but {path} is a file")
        loaded, name = _open_zip(path, {**about, **changes}, trust=trust), path.name
    else:
        if trust or about:
            raise UserError(f"--trust, --algo and --env are for a zip, but {path} is not a file")
        loaded = _open_run(path, changes, best=best)
        name = loaded.config.name

    from rl_attention.experiment.evaluation import evaluate

    try:
        result = evaluate(loaded.model, loaded.config, loaded.env)
    finally:
        loaded.env.close()
    _report(loaded.config.env.id, name, result, json_file)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _open_run(folder: Path, changes: dict[str, Any], *, best: bool) -> "LoadedRun":
    from rl_attention.experiment.config import RunConfig
    from rl_attention.experiment.loading import LoadedRun, load_policy
    from rl_attention.experiment.overrides import merge
    from rl_attention.experiment.run_folder import RunFolder
    from rl_attention.experiment.validation import validate

    config = validate(RunConfig, merge(RunFolder(folder).read_config().dump(), changes))
    loaded = load_policy(folder, device=config.device, best=best)
    return LoadedRun(config, loaded.model, loaded.env)


def _open_zip(path: Path, settings: dict[str, Any], *, trust: bool) -> "LoadedRun":
    from rl_attention.experiment.sb3_zip import RISK, describe_zip, load_trusted_zip

    if not trust:
        raise UserError(f"{path}: {RISK}")
    return load_trusted_zip(path, describe_zip(settings))


def _report(env_id: str, name: str, result: "Evaluation", json_file: Path | None) -> None:
    numbers = {
        "env": env_id,
        "arm": name,
        "n_eval_episodes": len(result.returns),
        "success_rate": float(result.successes.mean()),
        "mean_reward": float(result.returns.mean()),
        "std_reward": float(result.returns.std()),
        "mean_ep_length": float(result.lengths.mean()),
    }
    click.echo(
        f"{env_id}, {name}, {numbers['n_eval_episodes']} episodes: "
        f"success rate {numbers['success_rate']:.3f}, mean return {numbers['mean_reward']:.3f} "
        f"+/- {numbers['std_reward']:.3f}, mean length {numbers['mean_ep_length']:.1f}"
    )
    write_numbers(json_file, numbers)
