"""What every run ends with, however it was trained: the network, the evaluation, the results."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import backend_name
from rl_attention.experiment.evaluation import Evaluation, evaluate
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.manifest import installed_versions
from rl_attention.experiment.models import count_model_parameters
from rl_attention.experiment.normalization import save_normalization
from rl_attention.experiment.operations import count_operations
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import save_weights
from rl_attention.experiment.zero_shot import evaluate_zero_shot
from rl_attention.files import write_json
from rl_attention.imitation_result import ImitationResult


@dataclass(frozen=True)
class Trained:
    """What a training counted.

    Args:
        frames: Frames trained.
        seconds: Seconds of the training alone.
        wall_seconds: Seconds of everything so far.
        entity_overflow: Entities that did not fit into the view.
        frames_to_90: Frames until 90 % success; None: never, or not asked.
        curve: Pairs of frames and success rate.
        imitation: What an imitation counted.
    """

    frames: int
    seconds: float
    wall_seconds: float
    entity_overflow: int
    frames_to_90: int | None = None
    curve: list[list[float]] = field(default_factory=list)
    imitation: ImitationResult | None = None


@contextmanager
def kept_if_interrupted(
    model: BaseAlgorithm, run: RunFolder, total: int, *, saved_at: Callable[[], int | None]
) -> Iterator[None]:
    """Keep the network as it is if Ctrl-C comes.

    Args:
        model: What is trained.
        run: Where it is kept.
        total: Frames asked for, or labels.
        saved_at: Says at which frame the same command would go on; None: it begins anew.

    Raises:
        RunInterrupted: Ctrl-C came.
    """
    try:
        yield
    except KeyboardInterrupt:
        save_weights(model.policy, run.interrupted)
        raise RunInterrupted(run.path, model.num_timesteps, total, saved_at()) from None


def save_model(model: BaseAlgorithm, env: VecEnv, run: RunFolder) -> None:
    """Write a trained network, for us and for other users of SB3.

    Args:
        model: The model.
        env: Its environment, for running means.
        run: Where it goes.
    """
    save_weights(model.policy, run.policy)
    save_normalization(env, run.normalization)
    model.save(run.model)


def conclude(
    model: BaseAlgorithm,
    env: VecEnv,
    config: RunConfig,
    run: RunFolder,
    trained: Trained,
    *,
    threads: int | None = None,
) -> Results:
    """Evaluate a trained model, and write the results: the run is finished then.

    Args:
        model: The model.
        env: The environment of its training.
        config: The run.
        run: Its folder.
        trained: What its training counted.
        threads: CPU threads, where the config leaves them open.
    """
    began = time.monotonic()
    evaluation = evaluate(model, config, env, threads=threads)
    zero_shot = evaluate_zero_shot(model, config, env, threads=threads)
    seconds = trained.wall_seconds + time.monotonic() - began
    results = _summarise(config, model, evaluation, zero_shot, trained, seconds)
    write_json(run.results, results.to_dict())
    run.interrupted.unlink(missing_ok=True)
    return results


def _summarise(
    config: RunConfig,
    model: BaseAlgorithm,
    evaluation: Evaluation,
    zero_shot: Mapping[str, Evaluation | None],
    trained: Trained,
    wall_seconds: float,
) -> Results:
    return Results(
        env=config.env.id,
        arm=config.name,
        extractor=config.arm,
        algo=config.algo,
        seed=config.seed,
        n_timesteps=config.n_timesteps,
        frames=trained.frames,
        success_rate=float(evaluation.successes.mean()),
        mean_reward=float(evaluation.returns.mean()),
        std_reward=float(evaluation.returns.std()),
        mean_ep_length=float(evaluation.lengths.mean()),
        n_eval_episodes=len(evaluation.returns),
        episode_returns=evaluation.returns.tolist(),
        episode_successes=evaluation.successes.tolist(),
        frames_to_90=trained.frames_to_90,
        curve=trained.curve,
        parameters=count_model_parameters(model),
        fps=round(trained.frames / trained.seconds, 1),
        wall_time_s=round(wall_seconds, 1),
        backend=backend_name(config.env),
        entity_overflow=trained.entity_overflow,
        versions=installed_versions(),
        settings=config.dump(),
        operations=count_operations(model),
        zero_shot={
            name: None if found is None else found.summary() for name, found in zero_shot.items()
        },
        imitation=trained.imitation,
    )
