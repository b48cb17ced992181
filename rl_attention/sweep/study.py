"""An Optuna study of one arm, which goes on after a kill as if nothing had happened."""

import importlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from rl_attention.errors import UserError
from rl_attention.experiment.search_config import SearchRange, Setting
from rl_attention.files import open_plain

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

N_STARTUP = 4
"""Trials before the sampler learns from those before; the same draws for every arm."""

_MAX_BYTES = 64 << 20
_BEGINNING = b'{"op_code":'
_ERRORS = "errors"


@dataclass(frozen=True)
class Draw:
    """One trial of a study.

    Args:
        number: Optuna's number of it.
        settings: Path of each searched setting -> its value.
        state: Optuna's name for it: COMPLETE, FAIL or RUNNING.
        score: Its score, if it is complete.
        error: One line, if it failed.
    """

    number: int
    settings: dict[str, Setting]
    state: str
    score: float | None = None
    error: str | None = None


@contextmanager
def open_storage(path: Path) -> Iterator["BaseStorage"]:
    """Open a journal of studies, lines of JSON, and keep other processes out of it.

    Args:
        path: The file; made if it is not there.

    Raises:
        UserError: Optuna is not installed, the file is no journal or cannot be written, or another
            process is at work on it.
    """
    optuna = _import_optuna()
    path = path.absolute()
    lock = FileLock(f"{path}.tune.lock", blocking=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(
            f"--storage: another process is at work on {path}; wait for it, or choose another file"
        ) from None
    except OSError as error:
        raise UserError(f"--storage: {path} cannot be written ({error.strerror})") from None
    try:
        yield _open_journal(optuna, path)
    finally:
        lock.release()


class ArmStudy:
    """The study of one arm: what is tried next, and what came of it.

    Each trial has a sampler of its own, seeded by the study's seed and the trial's place, and is
    asked for when those before are over. So it depends on them alone, not on where the study was
    interrupted: Optuna stores no sampler. Settings that were tried are not tried again.

    Args:
        storage: Where the study is.
        name: Its name there; stands for all that must be the same when it goes on.
        search: What is searched.
        default: The settings of the first trial, or None if that is drawn too.
        seed: Of the samplers.
    """

    def __init__(
        self,
        storage: "BaseStorage",
        name: str,
        search: Mapping[str, SearchRange],
        *,
        default: Mapping[str, Setting] | None,
        seed: int,
    ) -> None:
        self._optuna = _import_optuna()
        self._space = {path: _distribute(self._optuna, part) for path, part in search.items()}
        self._default = default
        self._seed = seed
        self._study: Study = self._optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )

    @property
    def draws(self) -> list[Draw]:
        """The trials in their order, without those that a kill left before all was drawn."""
        return [self._read(trial) for trial in self._study.get_trials() if self._is_whole(trial)]

    def ask(self, n_trials: int) -> Draw | None:
        """Return the trial that is to be run next, an unfinished one before a new one, if any.

        Args:
            n_trials: How many there may be.
        """
        draws = self.draws[:n_trials]
        unfinished = next((draw for draw in draws if draw.state == "RUNNING"), None)
        if unfinished is not None or len(draws) >= n_trials:
            return unfinished
        self._clear_torn()
        if not self._has_waiting():
            proposed = self._propose(draws)
            if proposed is None:
                return None
            self._study.enqueue_trial(dict(proposed))
        self._study.ask(self._space)
        return self.draws[-1]

    def tell(self, draw: Draw, score: float) -> None:
        """Store the score of a trial.

        Args:
            draw: The trial.
            score: Its score.
        """
        self._study.tell(draw.number, score)

    def tell_failure(self, draw: Draw, error: str) -> None:
        """Store that a trial failed; it counts all the same.

        Args:
            draw: The trial.
            error: One line.
        """
        errors = {**self._study.user_attrs.get(_ERRORS, {}), str(draw.number): error}
        self._study.set_user_attr(_ERRORS, errors)
        self._study.tell(draw.number, state=self._optuna.trial.TrialState.FAIL)

    def _read(self, trial: "FrozenTrial") -> Draw:
        error = self._study.user_attrs.get(_ERRORS, {}).get(str(trial.number))
        settings = {path: trial.params[path] for path in self._space}
        score = trial.value if trial.state.name == "COMPLETE" else None
        failed = trial.state.name == "FAIL"
        return Draw(trial.number, settings, trial.state.name, score, error if failed else None)

    def _is_whole(self, trial: "FrozenTrial") -> bool:
        return trial.params.keys() == self._space.keys()

    def _has_waiting(self) -> bool:
        return any(trial.state.name == "WAITING" for trial in self._study.get_trials())

    def _clear_torn(self) -> None:
        """Give up what was killed while it was drawn: the same is drawn again."""
        for trial in self._study.get_trials():
            if trial.state.name == "RUNNING" and not self._is_whole(trial):
                self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)

    def _propose(self, draws: Sequence[Draw]) -> Mapping[str, Setting] | None:
        """Choose what is tried next, never the same twice; None where nothing is left."""
        if not draws and self._default is not None:
            return self._default
        seeds = np.random.SeedSequence([self._seed, len(draws)])
        seed = int(seeds.generate_state(1)[0])
        sampler = self._optuna.samplers.TPESampler(seed=seed, n_startup_trials=N_STARTUP)
        # a study of its own: what a real one is asked for, it keeps
        scratch = self._optuna.create_study(direction="maximize", sampler=sampler)
        complete = self._optuna.trial.TrialState.COMPLETE
        scratch.add_trials(self._study.get_trials(states=(complete,)))
        proposed: dict[str, Setting] = scratch.ask(self._space).params
        tried = [draw.settings for draw in draws]
        if proposed not in tried:
            return proposed
        untried = [one for one in self._all_settings() if one not in tried]
        return untried[np.random.default_rng(seeds).integers(len(untried))] if untried else None

    def _all_settings(self) -> Iterator[dict[str, Setting]]:
        """List all that can be drawn; only where there are choices alone can a draw come again."""
        values = [getattr(part, "choices", ()) for part in self._space.values()]
        for combination in itertools.product(*values):
            yield dict(zip(self._space, combination, strict=True))


def _distribute(optuna: Any, part: SearchRange) -> "BaseDistribution":
    kinds = optuna.distributions
    made: BaseDistribution
    if part.choices is not None:
        made = kinds.CategoricalDistribution(part.choices)
    else:
        low, high = part.bounds
        kind = kinds.IntDistribution if part.whole else kinds.FloatDistribution
        made = kind(low, high, log=part.log)
    return made


def _import_optuna() -> Any:
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise UserError(
            f"tune: expected the package optuna, but it cannot be imported ({error}); "
            "install it with: pip install 'rl-attention[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _open_journal(optuna: Any, path: Path) -> "BaseStorage":
    try:
        if os.path.lexists(path):
            _cut_torn_line(path)
        journal = optuna.storages.journal
        # a file as its lock: a link needs a privilege on Windows
        lock = journal.JournalFileOpenLock(str(path))
        backend = journal.JournalFileBackend(str(path), lock_obj=lock)
        storage: BaseStorage = optuna.storages.JournalStorage(backend)
    except UserError:  # a ValueError too
        raise
    except OSError as error:
        raise UserError(f"--storage: {path} cannot be written ({error.strerror})") from None
    except Exception as error:  # no list says what other lines make Optuna raise
        raise UserError(
            f"--storage: {path}: expected a journal of Optuna, got something else "
            f"({type(error).__name__}); choose another file"
        ) from None
    return storage


def _cut_torn_line(path: Path) -> None:
    """Remove the half line that a power cut may leave: what is added would become part of it.

    Raises:
        ValueError: This is no journal; Optuna overlooks a last line that it cannot read.
    """
    with open_plain(path, limit=_MAX_BYTES) as file:
        text = file.read(_MAX_BYTES)
    if text and not text.startswith(_BEGINNING):
        raise ValueError(path)
    whole = text.rfind(b"\n") + 1
    for line in text[:whole].splitlines():
        json.loads(line)
    if whole < len(text):
        os.truncate(path, whole)
