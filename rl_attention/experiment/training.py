"""One run from config to results: the function that every executor calls."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks import (
    AttentionEntropyCallback,
    AttentionMapCallback,
    MetricsLogCallback,
    ProgressCallback,
    ResumeCallback,
    SuccessThresholdCallback,
)
from rl_attention.callbacks.resume import Part
from rl_attention.callbacks.tensorboard import tensorboard_logger
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import (
    backend_name,
    build_env,
    empty_token,
    probe_data,
    vocabulary,
)
from rl_attention.experiment.evaluation import Evaluation, evaluate
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.manifest import installed_versions
from rl_attention.experiment.models import build_model, count_model_parameters, make_schedule
from rl_attention.experiment.normalization import normalize, save_normalization
from rl_attention.experiment.operations import count_operations
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_counts import RunCounts
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.weights import save_weights
from rl_attention.experiment.zero_shot import check_zero_shot, evaluate_zero_shot
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
    check_zero_shot(config)
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
    counts = RunCounts(env)
    success = SuccessThresholdCallback(threshold=THRESHOLD)
    probes = ProbeSet(**probe_data(config)) if config.recording.snapshots else None
    watching = [success, *_make_callbacks(config, run, probes)]
    saving = _make_checkpoints(config, run, watching, counts)
    done = saving.resume(model)
    if not done:
        run.begin(config)
    write_json(run.vocabulary, {"words": list(vocabulary())})
    if probes is not None:
        probes.save(run.probes)  # for the arms without attention too: maps of another kind
    model.set_logger(tensorboard_logger(tensorboard or run.tensorboard, step=done))
    with _kept_if_interrupted(model, config, run, saving):
        # the one that saves comes last: what the others write at a step is then on the disk
        _learn(model, config, [*watching, saving], counts, done)
        _save(model, env, run)
        evaluation = evaluate(model, config, env, threads=threads)
        zero_shot = evaluate_zero_shot(model, config, env, threads=threads)
    results = _summarise(config, model, success, evaluation, zero_shot, counts)
    write_json(run.results, results.to_dict())
    run.interrupted.unlink(missing_ok=True)
    return results


@contextmanager
def _kept_if_interrupted(
    model: BaseAlgorithm, config: RunConfig, run: RunFolder, saving: ResumeCallback
) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        save_weights(model.policy, run.interrupted)
        frames, total = model.num_timesteps, config.n_timesteps
        raise RunInterrupted(run.path, frames, total, saving.saved_at) from None


def _learn(
    model: BaseAlgorithm,
    config: RunConfig,
    callbacks: list[BaseCallback],
    counts: RunCounts,
    done: int,
) -> None:
    counts.start()
    try:
        # with the frames that are left the schedules still end at the last one
        model.learn(config.n_timesteps - done, callback=callbacks, reset_num_timesteps=not done)
    finally:
        counts.stop()
        model.logger.close()


def _save(model: BaseAlgorithm, env: VecEnv, run: RunFolder) -> None:
    save_weights(model.policy, run.policy)
    save_normalization(env, run.normalization)
    model.save(run.model)


def _make_callbacks(
    config: RunConfig, run: RunFolder, probes: ProbeSet | None
) -> list[BaseCallback]:
    callbacks: list[BaseCallback] = [ProgressCallback(run.path), MetricsLogCallback(run.path)]
    if config.attention_ent_coef and config.arm == "attention":
        callbacks.append(AttentionEntropyCallback(make_schedule(config.attention_ent_coef)))
    if probes is not None:
        callbacks.append(
            AttentionMapCallback(
                probes,
                snapshots=config.recording.snapshots,
                folder=run.path,
                faithfulness=config.recording.faithfulness,
                empty=empty_token(config.env),
            )
        )
    return callbacks


def _make_checkpoints(
    config: RunConfig, run: RunFolder, watching: list[BaseCallback], counts: RunCounts
) -> ResumeCallback:
    counting = {type(c).__name__: c for c in watching if isinstance(c, Part)}
    saving = ResumeCallback(
        run.checkpoints,
        seed=config.seed,
        every=config.checkpoint.every,
        exact=config.checkpoint.exact,
        parts={**counting, "run": counts},
    )
    counts.pauses += [saving, *(c for c in watching if isinstance(c, AttentionMapCallback))]
    return saving


def _summarise(
    config: RunConfig,
    model: BaseAlgorithm,
    success: SuccessThresholdCallback,
    evaluation: Evaluation,
    zero_shot: Mapping[str, Evaluation | None],
    counts: RunCounts,
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
        fps=round(model.num_timesteps / counts.training_seconds, 1),
        wall_time_s=round(counts.wall_seconds, 1),
        backend=backend_name(config.env),
        entity_overflow=counts.overflow,
        versions=installed_versions(),
        settings=config.dump(),
        operations=count_operations(model),
        zero_shot={
            name: None if found is None else found.summary() for name, found in zero_shot.items()
        },
    )
