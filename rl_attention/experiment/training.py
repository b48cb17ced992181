"""One run from config to results: the function that every executor calls."""

from contextlib import suppress
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks import (
    AdvantageFloorCallback,
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
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.imitation.trial import imitate
from rl_attention.experiment.initial_weights import begin_with, check_init
from rl_attention.experiment.models import build_model, make_schedule
from rl_attention.experiment.normalization import normalize
from rl_attention.experiment.outcome import Trained, conclude, kept_if_interrupted, save_model
from rl_attention.experiment.preflight import check_run
from rl_attention.experiment.probing import (
    make_map_callback,
    make_probe_set,
    write_words_and_probes,
)
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_counts import RunCounts
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.zero_shot import check_zero_shot
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
    check_init(config)
    env = normalize(config, build_env(config, threads=threads))
    try:
        model = build_model(config, env)
        begin_with(config, model, env)
        work = _work if config.imitation is None else imitate
        with run.held():
            # whoever held it before may have finished this very run
            return run.find_results(config) or work(
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
    probes = make_probe_set(config)
    watching = [success, *_make_callbacks(config, run, probes)]
    saving = _make_checkpoints(config, run, watching, counts)
    done = saving.resume(model)
    if not done:
        run.begin(config)
    write_words_and_probes(run, probes)
    model.set_logger(tensorboard_logger(tensorboard or run.tensorboard, step=done))
    with kept_if_interrupted(model, run, config.n_timesteps, saved_at=lambda: saving.saved_at):
        # the one that saves comes last: what the others write at a step is then on the disk
        _learn(model, config, [*watching, saving], counts, done)
        save_model(model, env, run)
        trained = Trained(
            frames=model.num_timesteps,
            seconds=counts.training_seconds,
            wall_seconds=counts.wall_seconds,
            entity_overflow=counts.overflow,
            frames_to_90=success.reached_at,
            curve=[[step, rate] for step, rate in success.curve],
        )
        return conclude(model, env, config, run, trained, threads=threads)


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


def _make_callbacks(
    config: RunConfig, run: RunFolder, probes: ProbeSet | None
) -> list[BaseCallback]:
    callbacks: list[BaseCallback] = [ProgressCallback(run.path), MetricsLogCallback(run.path)]
    floor = getattr(config.hyperparams, "advantage_floor", 0.0)
    if floor:
        callbacks.append(AdvantageFloorCallback(floor))
    if config.attention_ent_coef and config.arm == "attention":
        callbacks.append(AttentionEntropyCallback(make_schedule(config.attention_ent_coef)))
    if probes is not None:
        callbacks.append(make_map_callback(config, run, probes))
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
