"""Opening a zip of Stable-Baselines3, which runs whatever Python code it holds."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.experiment.algorithms import find_algorithm
from rl_attention.experiment.compatibility import VIEWS_OF_ARM
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.loading import LoadedRun
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.validation import validate

RISK = (
    "a zip of Stable-Baselines3 holds pickled Python code that runs when it is opened; only open "
    "files that you or someone you trust made; add --trust"
)

_SHOWN = 200


def describe_zip(settings: dict[str, Any]) -> RunConfig:
    """Make a config of what a zip does not say by itself.

    Args:
        settings: The algorithm and the environment with its view, nested as in a task file, and
            what else a config takes.

    Raises:
        UserError: One is missing or not valid.
    """
    if "algo" not in settings or "id" not in settings.get("env", {}):
        raise UserError("expected --algo and --env, of which the zip was trained, to evaluate it")
    view = settings["env"].get("view")
    fits = (arm for arm, views in VIEWS_OF_ARM.items() if view in views)
    return validate(RunConfig, {"arm": next(fits, "attention"), **settings})


def load_trusted_zip(path: Path, config: RunConfig) -> LoadedRun:
    """Open a zip that Stable-Baselines3 saved, and run the code in it.

    Args:
        path: The zip.
        config: Its algorithm and environment.

    Raises:
        UserError: It is no such zip, or of another algorithm or environment.
    """
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: expected a zip of Stable-Baselines3, got something else")
    check_run(config)
    alone = config.env.model_copy(update={"n_envs": 1, "vec_env": "dummy"})
    env = build_env(config.model_copy(update={"env": alone}))
    # nothing is trained, so nothing has to be replayed
    changes: dict[str, Any] = {"buffer_size": 1} if config.algo == "dqn" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what only training would need
            model = find_algorithm(config.algo).load(path, env=env, device=config.device, **changes)
    except Exception as error:  # code from anywhere may raise anything
        env.close()
        raise UserError(_explain(path, config, error)) from None
    return LoadedRun(config, model, env)


def _explain(path: Path, config: RunConfig, error: Exception) -> str:
    if "spaces do not match" in str(error):
        return (
            f"{path}: it was trained on other observations or actions than {config.env.id} gives "
            f"in the view {config.env.view!r}; say --env, --env.view and --env.max_entities as in "
            "training"
        )
    reason = f"{type(error).__name__}: {error}"[:_SHOWN]
    return f"{path}: cannot be opened as a zip of {config.algo} ({reason})"
