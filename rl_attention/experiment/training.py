"""One run from config to results: the function that every executor calls."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks import (
    AttentionEntropyCallback,
    AttentionMapCallback,
    MetricsLogCallback,
    ProgressCallback,
    SuccessThresholdCallback,
)
from rl_attention.errors import UserError
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import backend_name, build_env, probe_data, vocabulary
from rl_attention.experiment.evaluation import Evaluation, evaluate
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.manifest import installed_versions
from rl_attention.experiment.models import build_model, count_model_parameters, make_schedule
from rl_attention.experiment.normalization import normalize, save_normalization
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import save_weights
from rl_attention.files import write_json
from rl_attention.recording import ProbeSet

THRESHOLD = 0.9


def run_trial(
    config: RunConfig,
    folder: Path,
    *,
    threads: int | None = None,
    tensorboard: Path | None = None,
) -> Results:
    """Train one arm with one seed, evaluate it, and leave everything in a run folder.

    A folder where this very run is finished is left alone and its results are returned.

    Args:
        config: The run.
        folder: Where it goes.
        threads: CPU threads, where the config leaves them open.
        tensorboard: Another place for TensorBoard's events.

    Raises:
        UserError: The run cannot be had, the folder belongs to another, or another process is at
            work in it.
        RunInterrupted: Ctrl-C came; what was logged is kept.
    """
    check_run(config)
    keep_freed_memory()
    threads = config.num_threads or threads
    if threads is not None:
        torch.set_num_threads(threads)
    run = RunFolder(folder)
    finished = run.find_results(config)
    if finished is not None:
        return finished

    # what cannot be built leaves no folder behind
    env = normalize(config, build_env(config, threads=threads))
    try:
        model = build_model(config, env)
        with run.held():
            # whoever held it before may have finished this very run
            return run.find_results(config) or _work(
                model, env, config, run, threads=threads, tensorboard=tensorboard
            )
    finally:
        with suppress(EOFError, OSError):  # Ctrl-C also ends the processes of a subproc env
            env.close()


def _work(
    model: BaseAlgorithm,
    env: VecEnv,
    config: RunConfig,
    run: RunFolder,
    *,
    threads: int | None,
    tensorboard: Path | None,
) -> Results:
    began = time.monotonic()
    run.begin(config)
    write_json(run.vocabulary, {"words": list(vocabulary())})
    model.set_logger(configure(str(tensorboard or run.tensorboard), ["tensorboard"]))
    success = SuccessThresholdCallback(threshold=THRESHOLD)
    with _kept_if_interrupted(model, config, run):
        fps = _learn(model, config, [success, *_make_callbacks(config, run)])
        _save(model, env, run)
        evaluation = evaluate(model, config, env, threads=threads)
    results = _summarise(config, model, success, evaluation, fps, began)
    write_json(run.results, results.to_dict())
    return results


@contextmanager
def _kept_if_interrupted(model: BaseAlgorithm, config: RunConfig, run: RunFolder) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        save_weights(model.policy, run.interrupted)
        raise RunInterrupted(run.path, model.num_timesteps, config.n_timesteps) from None


def _learn(model: BaseAlgorithm, config: RunConfig, callbacks: list[BaseCallback]) -> float:
    """Train, and return frames a second of the training itself, drawing maps left out."""
    began = time.monotonic()
    try:
        model.learn(config.n_timesteps, callback=callbacks)
    finally:
        model.logger.close()
    drawing = sum(c.seconds for c in callbacks if isinstance(c, AttentionMapCallback))
    return model.num_timesteps / (time.monotonic() - began - drawing)


def _save(model: BaseAlgorithm, env: VecEnv, run: RunFolder) -> None:
    save_weights(model.policy, run.policy)
    save_normalization(env, run.normalization)
    model.save(run.model)


def _make_callbacks(config: RunConfig, run: RunFolder) -> list[BaseCallback]:
    callbacks: list[BaseCallback] = [ProgressCallback(run.path), MetricsLogCallback(run.path)]
    if config.attention_ent_coef and config.arm == "attention":
        callbacks.append(AttentionEntropyCallback(make_schedule(config.attention_ent_coef)))
    if config.recording.snapshots:
        probes = ProbeSet(**probe_data(config))
        probes.save(run.probes)  # for the arms without attention too: maps of another kind
        callbacks.append(
            AttentionMapCallback(probes, snapshots=config.recording.snapshots, folder=run.path)
        )
    return callbacks


def _summarise(
    config: RunConfig,
    model: BaseAlgorithm,
    success: SuccessThresholdCallback,
    evaluation: Evaluation,
    fps: float,
    began: float,
) -> Results:
    return Results(
        env=config.env.id,
        arm=config.name,
        extractor=config.arm,
        algo=config.algo,
        seed=config.seed,
        n_timesteps=config.n_timesteps,
        frames=model.num_timesteps,
        success_rate=float(evaluation.successes.mean()),
        mean_reward=float(evaluation.returns.mean()),
        std_reward=float(evaluation.returns.std()),
        mean_ep_length=float(evaluation.lengths.mean()),
        n_eval_episodes=len(evaluation.returns),
        episode_returns=evaluation.returns.tolist(),
        episode_successes=evaluation.successes.tolist(),
        frames_to_90=success.reached_at,
        curve=[[step, rate] for step, rate in success.curve],
        parameters=count_model_parameters(model),
        fps=round(fps, 1),
        wall_time_s=round(time.monotonic() - began, 1),
        backend=backend_name(config.env),
        entity_overflow=_count_overflow(model.get_env()),
        versions=installed_versions(),
    )


def _count_overflow(env: VecEnv | None) -> int:
    if env is None:
        raise UserError("expected a model with an environment, got one without")
    return sum(env.get_attr("entity_overflow"))
