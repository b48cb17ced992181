"""The small file that is kept of a finished trial, so that it is never run again."""

import json
import os
from dataclasses import replace
from pathlib import Path

from rl_attention.comparison.results import RunResult, read_run
from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.overrides import flatten
from rl_attention.experiment.progress_file import Progress
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.validation import validate
from rl_attention.files import read_json, write_text
from rl_attention.sweep.executor import Outcome, Watcher
from rl_attention.sweep.trials import Trial

_LEFT_OUT = ("episode_returns", "episode_successes")
"""A hundred numbers that no table needs."""

_SHOWN_DIFFERENCES = 3


def find_record(trial: Trial) -> Path | None:
    """Look whether a trial's small file is there and is of this very trial.

    A file of an older version lacks newer settings: they count as their defaults.

    Args:
        trial: The trial.

    Raises:
        UserError: It is of other settings, or damaged.
    """
    if trial.record is None or not os.path.lexists(trial.record):
        return None
    told = read_run(trial.record)
    kept = validate(RunConfig, told.settings, source=str(trial.record))
    there, wanted = flatten(kept.dump()), flatten(trial.config.dump())
    keys = sorted(key for key in there | wanted if there.get(key) != wanted.get(key))
    if keys:
        shown = "; ".join(
            f"{key} is {there.get(key)!r} there, {wanted.get(key)!r} here"
            for key in keys[:_SHOWN_DIFFERENCES]
        )
        raise UserError(
            f"{trial.record}: expected the result of {trial.name} with the suite's settings, but "
            f"{shown}; remove it to run the trial again, or choose another folder with --results"
        )
    config = trial.config
    names = (told.task, told.env, told.arm, told.algo, told.seed, told.n_timesteps)
    expected = (trial.record.parent.name, config.env.id, config.name, config.algo, config.seed)
    if names != (*expected, config.n_timesteps):
        raise UserError(
            f"{trial.record}: expected the result of {trial.name}, got one that says it is of "
            f"{', '.join(map(str, names))}; remove it to run the trial again"
        )
    return trial.record


def find_finished(trial: Trial) -> Path | None:
    """Look whether a trial is finished, here or anywhere before.

    The name of its run folder stands for its settings, so results there are of this very trial.

    Args:
        trial: A trial of a suite.

    Returns:
        What `read_run` takes: its small file, made now if only the run folder is there, or the run
        folder; None if it is still to be run.

    Raises:
        UserError: Its small file is of other settings, damaged, or cannot be written.
    """
    record = find_record(trial)
    if record is not None or not RunFolder(trial.folder).results.exists():
        return record
    if trial.record is None:
        return trial.folder
    keep(trial)
    return trial.record


def keep(trial: Trial) -> None:
    """Write the small file of a finished trial from its run folder.

    Args:
        trial: A finished trial that has a `record`.

    Raises:
        UserError: Its results are damaged, or the file cannot be written.
    """
    assert trial.record is not None
    told = read_json(RunFolder(trial.folder).results)
    kept = {"task": trial.record.parent.name} | {
        key: part for key, part in told.items() if key not in _LEFT_OUT
    }
    # a line a field: small, and a change can be read
    lines = [f"{json.dumps(key)}: {json.dumps(part)}" for key, part in kept.items()]
    try:
        write_text(trial.record, "{\n" + ",\n".join(lines) + "\n}\n")
    except OSError as error:
        raise UserError(
            f"{trial.record} cannot be written ({error.strerror}); choose another folder with "
            "--results"
        ) from None


def with_defaults(run: RunResult) -> RunResult:
    """Give a result of an older version the defaults of the settings that it lacks.

    Args:
        run: A result; one whose settings are not those of a config stays as it is.
    """
    try:
        settings = validate(RunConfig, run.settings, source=str(run.path)).dump()
    except UserError:
        return run
    return replace(run, settings=settings)


class RecordKeeper:
    """Keeps the small file of each trial as it finishes, and tells another watcher all it hears.

    Args:
        watcher: Is told.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def started(self, trial: Trial) -> None:
        """A trial begins."""
        self._watcher.started(trial)

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """A trial says how far it is."""
        self._watcher.progressed(trial, progress)

    def ended(self, outcome: Outcome) -> None:
        """A trial is over."""
        trial = outcome.trial
        if outcome.error is None and trial.record is not None:
            try:
                keep(trial)
            except UserError as error:  # one that cannot be kept takes no other with it
                outcome = Outcome(trial, str(error))
        self._watcher.ended(outcome)
