"""`rl-attention doctor`: what silently ruins a run, found in a run, a model or an environment."""

import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rl_attention.cli.common import check_writable, json_option, write_numbers
from rl_attention.cli.errors import debug_option, printable
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from rl_attention.doctor import Report
    from rl_attention.doctor.environments import Env

ALGORITHMS = ("a2c", "ddpg", "dqn", "ppo", "sac", "td3")
"""Algorithms of Stable-Baselines3 whose zips can be opened."""

_SICK = 1


@click.command("doctor")
@click.argument("target", metavar="FOLDER|ZIP|ENV")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Decides all."
)
@click.option(
    "--steps",
    type=click.IntRange(1, 10**6),
    default=200,
    show_default=True,
    help="Random steps to look around.",
)
@click.option("--trust", is_flag=True, help="Run the code in a ZIP, or in the module of an ENV.")
@click.option("--algo", type=click.Choice(ALGORITHMS), help="Of a ZIP: its algorithm.")
@click.option("--env", "env_id", metavar="TEXT", help="Of a ZIP: where to look around.")
@click.option(
    "--env.view",
    "view",
    metavar="entities|cells|pixels|flat",
    help="Of MiniGrid and BabyAI: in this view of ours.",
)
@json_option
@debug_option
def command(
    target: str,
    seed: int,
    steps: int,
    trust: bool,
    algo: str | None,
    env_id: str | None,
    view: str | None,
    json_file: Path | None,
) -> None:
    """Find what silently ruins runs: in a run FOLDER, a ZIP of Stable-Baselines3, or an ENV id.

    Nothing in a FOLDER is unpickled. A ZIP holds Python code that runs when it is opened: it needs
    --trust and --algo. An ENV that names a module (module:Env-v0) runs it: it needs --trust.

    Ends with 0 if there is nothing worse than a note, with 1 if there is an error or a warning.
    """
    check_writable(json_file)
    given = {"--trust": trust, "--algo": algo, "--env": env_id, "--env.view": view}
    model: BaseAlgorithm | None = None
    env: Env | None = None
    if os.path.isdir(target):
        _refuse(target, "a run folder", given)
        model, env = _open_run(Path(target))
    elif os.path.isfile(target):
        _check_zip(target, trust=trust, algo=algo)
        env = None if env_id is None else _make_env(env_id, view, seed, trust=trust)
        model = _open_zip(target, str(algo), env)
    else:
        _refuse(target, "an environment", {key: given[key] for key in ("--algo", "--env")})
        env = _make_env(target, view, seed, trust=trust)
    try:
        report = _examine(model, env, seed, steps)
    finally:
        if env is not None:
            env.close()
    _say(report)
    write_numbers(json_file, {"target": target, **_plain(report)})
    if not report.healthy:
        raise click.exceptions.Exit(_SICK)


def _refuse(target: str, kind: str, options: dict[str, Any]) -> None:
    needless = [name for name, value in options.items() if value]
    if needless:
        raise UserError(f"{needless[0]} is not for {kind}, but {target} is taken as one")


def _open_run(folder: Path) -> "tuple[BaseAlgorithm, Env]":
    from rl_attention.experiment.loading import load_policy

    loaded = load_policy(folder, device="cpu")
    return loaded.model, loaded.env


def _check_zip(path: str, *, trust: bool, algo: str | None) -> None:
    from rl_attention.experiment.sb3_zip import RISK

    if not trust:
        raise UserError(f"{path}: {RISK}")
    if algo is None:
        raise UserError("expected --algo, with which the zip was trained, to open it")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: expected a zip of Stable-Baselines3, got something else")


def _open_zip(path: str, algo: str, env: "Env | None") -> "BaseAlgorithm":
    import stable_baselines3
    from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

    from rl_attention.doctor.findings import one_line

    kind: type[BaseAlgorithm] = getattr(stable_baselines3, algo.upper())
    # nothing is trained, so nothing has to be replayed
    changes: dict[str, Any] = {"buffer_size": 1} if issubclass(kind, OffPolicyAlgorithm) else {}
    try:
        return kind.load(path, env=env, device="cpu", **changes)
    except Exception as error:  # code from anywhere may raise anything
        if env is not None:
            env.close()
        hint = ""
        if "spaces do not match" in str(error):
            hint = ": say --env and --env.view as in training, or leave --env out"
        raise UserError(
            f"{path}: cannot be opened as a zip of {algo} ({one_line(error)}){hint}"
        ) from None


def _make_env(env_id: str, view: str | None, seed: int, *, trust: bool) -> "Env":
    if view is not None:
        return _make_view(env_id, view, seed)
    if ":" in env_id and not trust:
        raise UserError(
            f"{env_id}: the module before the colon would be imported, which runs its code; only "
            "import what you or someone you trust made; add --trust"
        )
    import gymnasium as gym
    import minigrid  # noqa: F401  # registers its environments

    from rl_attention.doctor.findings import one_line

    try:
        return gym.make(env_id)
    except Exception as error:  # a foreign module may raise anything
        kinds = "a run folder, a zip or an environment"
        raise UserError(f"expected {kinds}, got {env_id} ({one_line(error)})") from None


def _make_view(env_id: str, view: str, seed: int) -> "Env":
    from rl_attention.experiment.environments import build_env
    from rl_attention.experiment.preflight import check_run
    from rl_attention.experiment.sb3_zip import describe_zip

    env = {"id": env_id, "view": view, "n_envs": 1, "vec_env": "dummy"}
    # the algorithm does not matter to the environment, but a config has one
    config = describe_zip({"algo": "ppo", "env": env, "seed": seed})
    check_run(config)
    return build_env(config)


def _examine(model: "BaseAlgorithm | None", env: "Env | None", seed: int, steps: int) -> "Report":
    from rl_attention.doctor import examine

    if model is not None:
        return examine(model, env=env, seed=seed, n_steps=steps)
    assert env is not None
    return examine(env, seed=seed, n_steps=steps)


def _say(report: "Report") -> None:
    for finding in report.findings:
        head = f"{finding.severity:<7}  {finding.check}, {finding.where}"
        for line in (head, f"         {finding.what}", f"         fix: {finding.fix}\n"):
            click.echo(_safe(line))
    click.echo(_safe(report.summary()))


def _plain(report: "Report") -> dict[str, Any]:
    return {
        "healthy": report.healthy,
        "findings": [asdict(finding) for finding in report.findings],
        "ran": list(report.ran),
        "skipped": dict(report.skipped),
    }


def _safe(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
