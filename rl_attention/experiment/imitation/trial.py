"""One imitation from config to results."""

import time
from pathlib import Path

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_attention.callbacks.tensorboard import tensorboard_logger
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import (
    HELD_OUT,
    JUDGING,
    MIXING,
    TRAINING,
    build_taught_envs,
    derive_seed,
)
from rl_attention.experiment.imitation.collecting import Collector, Labelled
from rl_attention.experiment.imitation.log import ImitationLog
from rl_attention.experiment.imitation.rounds import Rounds
from rl_attention.experiment.outcome import Trained, conclude, kept_if_interrupted, save_model
from rl_attention.experiment.probing import (
    make_map_callback,
    make_probe_set,
    write_words_and_probes,
)
from rl_attention.experiment.results import Results
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.imitation_result import ImitationResult

_LAST = 64
"""Observations that the cost of one decision is counted on."""

_LEAST_SUCCESS = 0.5


def imitate(
    model: BaseAlgorithm,
    env: VecEnv,
    config: RunConfig,
    run: RunFolder,
    *,
    threads: int | None = None,
    tensorboard: Path | None = None,
) -> Results:
    """Let a model learn from BabyAI's bot, evaluate it, and leave everything in a run folder.

    There are no checkpoints: an imitation takes minutes, and begins anew where it was stopped.

    Args:
        model: An untrained model.
        env: The environment that it was built for.
        config: The run, with an imitation.
        run: Its folder, which this process holds.
        threads: CPU threads, where the config leaves them open.
        tensorboard: Another place for TensorBoard's events.

    Raises:
        UserError: The bot cannot do the task.
        RunInterrupted: Ctrl-C came; what was logged is kept.
    """
    began = time.monotonic()
    held_out, bot_success = hold_out(config)
    run.begin(config)
    probes = make_probe_set(config)
    write_words_and_probes(run, probes)
    model.set_logger(tensorboard_logger(tensorboard or run.tensorboard))
    maps: list[BaseCallback] = []
    if probes is not None:
        maps.append(make_map_callback(config, run, probes))
    with kept_if_interrupted(model, run, config.n_timesteps, saved_at=lambda: None):
        imitation, seconds, overflow = _learn(model, config, run, maps, held_out, bot_success)
        save_model(model, env, run)
        trained = Trained(
            frames=model.num_timesteps,
            seconds=seconds,
            wall_seconds=time.monotonic() - began,
            entity_overflow=overflow,
            imitation=imitation,
        )
        return conclude(model, env, config, run, trained, threads=threads)


def hold_out(config: RunConfig) -> tuple[Labelled, float | None]:
    """Let the bot play episodes that are held out: whether it can, and what a fit knows of it.

    Args:
        config: The run.

    Returns:
        Its steps, and the share of its episodes that reached the goal; None: none has ended.

    Raises:
        UserError: The bot cannot do the task.
    """
    assert config.imitation is not None
    envs = build_taught_envs(config, stream=HELD_OUT)
    try:
        rng = np.random.default_rng(derive_seed(config.seed, MIXING))
        steps = Collector(envs, rng).collect(config.imitation.held_out)
    finally:
        envs.close()
    success = envs.successes / envs.episodes if envs.episodes else None
    if not len(steps) or (success is not None and success < _LEAST_SUCCESS):
        raise UserError(
            f"imitation: expected a level that the bot can do, but in {config.env.id} it reached "
            f"the goal of {envs.successes} in {envs.episodes} episodes; choose another environment"
        )
    return steps, success


def _learn(
    model: BaseAlgorithm,
    config: RunConfig,
    run: RunFolder,
    maps: list[BaseCallback],
    held_out: Labelled,
    bot_success: float | None,
) -> tuple[ImitationResult, float, int]:
    """Go through the rounds; return what they counted, their seconds, and dropped entities."""
    assert config.imitation is not None
    # as any training of SB3 begins: it counts from 0, and the callbacks get to know the model
    total, callback = model._setup_learn(config.n_timesteps, callback=maps)
    envs, judging = (build_taught_envs(config, stream=stream) for stream in (TRAINING, JUDGING))
    try:
        log = ImitationLog(model, run, config.imitation)
        callback.on_training_start({"total_timesteps": total}, {})
        rounds = Rounds(model, config.imitation, held_out, seed=config.seed)
        labels, kept = rounds.go(
            envs, judging, on_round=callback.on_rollout_start, on_epoch=log.add
        )
        callback.on_training_end()
    finally:
        envs.close()
        judging.close()
        model.logger.close()
    model._last_obs = labels.take(slice(-_LAST, None)).observations
    counted = ImitationResult(
        questions=model.num_timesteps,
        unanswered=envs.unanswered,
        bot_success=bot_success,
        held_out=len(held_out),
        epochs=rounds.epochs,
        accuracy=kept.accuracy,
        held_out_accuracy=kept.held_out_accuracy,
        labels_per_second=round(model.num_timesteps / rounds.asking_seconds, 1),
    )
    return counted, rounds.asking_seconds + rounds.fitting_seconds, envs.entity_overflow
