"""The arms of the throughput benchmark, each as a model that is ready to train."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env

import rl_attention_envs
from benchmarks.textbook import TextbookExtractor
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import algorithm_kwargs, build_model


@dataclass(frozen=True)
class Settings:
    """What all arms have in common.

    Attributes:
        env_id: The environment.
        backend: Who steps it for our arms.
        threads: Threads of the fast environments.
        n_envs: Environments of our arms.
        textbook_envs: Environments of the textbook arm.
        zoo_envs: Environments of RL Zoo's arm.
        device: Where the networks are.
        frames: Frames of a rollout, for every arm.
        batch_size: Minibatch, for every arm.
        n_epochs: Passes over a rollout, for every arm.
    """

    env_id: str
    backend: str
    threads: int
    n_envs: int = 64
    textbook_envs: int = 16
    zoo_envs: int = 64
    device: str = "cpu"
    frames: int = 2560
    batch_size: int = 640
    n_epochs: int = 4

    def __post_init__(self) -> None:
        for count in (self.n_envs, self.textbook_envs, self.zoo_envs):
            if self.frames % count:
                raise UserError(f"{count} environments cannot share {self.frames} frames equally")


@dataclass(frozen=True)
class Arm:
    """One row of the table.

    Attributes:
        label: What it is.
        make: Builds its untrained model.
        mlp: Name of the mlp arm of the same size, on the same view; None where there is none.
    """

    label: str
    make: Callable[[], BaseAlgorithm]
    mlp: str | None = None


_OURS = (
    ("mlp", "(c)", "attention", "(d)", "entities", 1),
    ("cells_mlp", "(f)", "cells_attention", "(e)", "cells", 1),
    ("mlp_2", "(f)", "attention_2", "(f)", "entities", 2),
    ("cells_mlp_2", "(f)", "cells_attention_2", "(f)", "cells", 2),
)
"""Name and letter of an mlp arm and of the attention arm that sizes it, their view and blocks."""


def make_arms(settings: Settings) -> dict[str, Arm]:
    """List the arms in the order in which they take turns.

    Args:
        settings: What they have in common.
    """
    textbook = f"(a) textbook transformer, {settings.textbook_envs} Python envs"
    zoo = f"(b) RL Zoo: flat + MlpPolicy, {settings.zoo_envs} Python envs"
    arms = {
        "textbook": Arm(textbook, partial(_textbook, settings)),
        "zoo": Arm(zoo, partial(_zoo, settings)),
    }
    for mlp, mlp_letter, attention, letter, view, n_blocks in _OURS:
        size = f"{view}, {n_blocks} block{'s' if n_blocks > 1 else ''}"
        make = partial(_ours, settings, view=view, n_blocks=n_blocks)
        arms[mlp] = Arm(f"{mlp_letter} mlp sized as {size}", partial(make, arm="mlp"))
        arms[attention] = Arm(
            f"{letter} attention, {size}", partial(make, arm="attention"), mlp=mlp
        )
    return arms


def our_config(
    settings: Settings, *, arm: str = "attention", view: str = "entities", n_blocks: int = 1
) -> RunConfig:
    """Describe one of our arms; all that is not said is the project's default.

    Args:
        settings: What all arms have in common.
        arm: A features extractor.
        view: What it sees.
        n_blocks: Blocks of the attention extractor, which a control arm is sized by.
    """
    return RunConfig.model_validate(
        {
            "arm": arm,
            "env": {
                "id": settings.env_id,
                "view": view,
                "backend": settings.backend,
                "n_envs": settings.n_envs,
            },
            "extractor": {"width": 64, "n_heads": 4, "n_blocks": n_blocks},
            "hyperparams": {
                "n_steps": settings.frames // settings.n_envs,
                "batch_size": settings.batch_size,
                "n_epochs": settings.n_epochs,
            },
            "device": settings.device,
        }
    )


def _ours(settings: Settings, *, arm: str, view: str, n_blocks: int) -> BaseAlgorithm:
    config = our_config(settings, arm=arm, view=view, n_blocks=n_blocks)
    return build_model(config, build_env(config, threads=settings.threads))


def _textbook(settings: Settings) -> BaseAlgorithm:
    n_envs = settings.textbook_envs
    env = rl_attention_envs.make_vec_env(
        settings.env_id, view="cells", n_envs=n_envs, backend="gymnasium"
    )
    policy_kwargs = {
        "features_extractor_class": TextbookExtractor,
        "net_arch": list(our_config(settings).net_arch),
    }
    return PPO(
        "MultiInputPolicy", env, policy_kwargs=policy_kwargs, **_ppo_kwargs(settings, n_envs)
    )


def _zoo(settings: Settings) -> BaseAlgorithm:
    from minigrid.wrappers import FlatObsWrapper  # importing minigrid registers its environments

    n_envs = settings.zoo_envs
    env = make_vec_env(settings.env_id, n_envs=n_envs, seed=0, wrapper_class=FlatObsWrapper)
    return PPO("MlpPolicy", env, **_ppo_kwargs(settings, n_envs))


def _ppo_kwargs(settings: Settings, n_envs: int) -> dict[str, Any]:
    """Give another arm the hyperparameters of ours, and as many frames a rollout."""
    ours = algorithm_kwargs(our_config(settings))
    return {**ours, "n_steps": settings.frames // n_envs, "seed": 0, "device": settings.device}
