"""Hyperparameter search: the same small budget for every arm, each with a study of its own."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_attention.errors import UserError
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.search_config import Setting, TuningConfig
from rl_attention.sweep.executor import Outcome
from rl_attention.sweep.study import ArmStudy, Draw, open_storage
from rl_attention.sweep.trials import Trial, locate_by_hash

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

Runner = Callable[[Sequence[Trial]], Sequence[Outcome]]
"""Runs the runs of a round, and says how each ended."""

_HASH_DIGITS = 8


@dataclass(frozen=True)
class ArmReport:
    """What the search found for one arm.

    Args:
        arm: Its name.
        draws: Its trials, in their order.
        default: Its own values of the searched settings, if they were tried.
    """

    arm: str
    draws: Sequence[Draw]
    default: Mapping[str, Setting] | None

    @property
    def best(self) -> Draw | None:
        """The trial with the best score, the first of several; None if none is complete."""
        complete = [draw for draw in self.draws if draw.score is not None]
        return max(complete, key=lambda draw: draw.score or 0.0, default=None)

    @property
    def default_score(self) -> float | None:
        """The score of the arm's own settings, if they were tried and did not fail."""
        return next((draw.score for draw in self.draws if draw.settings == self.default), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "settings": self.best.settings if self.best else None,
            "score": self.best.score if self.best else None,
            "default_score": self.default_score,
            "trials": [
                {"settings": draw.settings, "score": draw.score, "state": draw.state}
                for draw in self.draws
            ],
        }


@dataclass(frozen=True)
class Tuning:
    """A search, ready to be run.

    Args:
        config: What is searched on which tasks.
        arms: The arms that are tuned.
        n_trials: Trials of each arm.
        seed: Of the samplers, the same for every arm.
        runs: Where run folders go.
    """

    config: TuningConfig
    arms: Sequence[str]
    n_trials: int
    seed: int
    runs: Path

    def run(self, storage: Path, runner: Runner) -> list[ArmReport]:
        """Run what is missing, one trial of every arm at a time.

        Args:
            storage: The file of the studies.
            runner: Runs the runs of a round.

        Returns:
            A report for each arm.

        Raises:
            UserError: The storage cannot be had.
            KeyboardInterrupt: Ctrl-C came; the same call goes on where it was stopped.
        """
        with open_storage(storage) as opened:
            studies = {arm: self._open(opened, arm) for arm in self.arms}
            while True:
                asked = {arm: study.ask(self.n_trials) for arm, study in studies.items()}
                draws = {arm: draw for arm, draw in asked.items() if draw is not None}
                if not draws:
                    break
                self._run_round(studies, draws, runner)
            return [
                ArmReport(arm, study.draws[: self.n_trials], self.config.find_default(arm))
                for arm, study in studies.items()
            ]

    def expand(self, arm: str, settings: Mapping[str, Setting]) -> list[Trial]:
        """List the runs of one trial: every task with every seed.

        Args:
            arm: Its arm.
            settings: What was drawn.

        Raises:
            UserError: The settings make no valid run.
        """
        tasks = self.config.suite.tasks
        trials = []
        for task in tasks:
            for seed in self.config.seeds:
                config = self.config.run(task, arm, seed, settings)
                # threads change the last bits of a run, so they are one of its settings
                config = config.model_copy(update={"num_threads": config.num_threads or 1})
                folder = locate_by_hash(self.runs, config)
                trials.append(Trial(arm, seed, config, folder, task if len(tasks) > 1 else ""))
        return trials

    def _open(self, storage: "BaseStorage", arm: str) -> ArmStudy:
        name = f"{arm}_{self._hash(arm)}"
        default = self.config.find_default(arm)
        return ArmStudy(storage, name, self.config.search, default=default, seed=self.seed)

    def _hash(self, arm: str) -> str:
        """Return digits that change with whatever makes it another study."""
        search = {path: part.model_dump() for path, part in self.config.search.items()}
        runs = [trial.config.dump() for trial in self.expand(arm, {})]
        text = json.dumps([search, runs, self.seed], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

    def _run_round(
        self, studies: Mapping[str, ArmStudy], draws: Mapping[str, Draw], runner: Runner
    ) -> None:
        trials: dict[str, list[Trial]] = {}
        for arm, draw in draws.items():
            try:
                trials[arm] = self.expand(arm, draw.settings)
            except UserError as error:  # a combination that no example showed
                studies[arm].tell_failure(draw, str(error))
        every = [trial for members in trials.values() for trial in members]
        # the folder's name stands for the settings, so its results are those of this very run
        missing = [trial for trial in every if not RunFolder(trial.folder).results.exists()]
        outcomes = runner(missing) if missing else []
        errors = {outcome.trial.folder: outcome.error for outcome in outcomes if outcome.error}
        for arm, members in trials.items():
            failed = [errors[trial.folder] for trial in members if trial.folder in errors]
            if failed:
                studies[arm].tell_failure(draws[arm], failed[0])
            else:
                studies[arm].tell(draws[arm], mean(score_run(trial) for trial in members))


def score_run(trial: Trial) -> float:
    """Return the mean success rate over the training of a finished run.

    Args:
        trial: The run.

    Raises:
        UserError: It is not finished, or its results are damaged.
    """
    results = RunFolder(trial.folder).find_results(trial.config)
    if results is None:
        raise UserError(f"{trial.folder}: not finished, there is no results.json")
    return mean_of_curve(results.curve, trial.config.n_timesteps)


def mean_of_curve(curve: Sequence[Sequence[float]], n_timesteps: int) -> float:
    """Return the mean of a curve from frame 0 to the last, straight between its points.

    It is 0 before the first point, and the last value holds to the end.

    Args:
        curve: Pairs of a frame and a success rate; frames increase.
        n_timesteps: The last frame that counts.
    """
    if not curve or curve[0][0] >= n_timesteps:
        return 0.0
    frames, rates = np.asarray(curve, dtype=np.float64).T
    last = np.interp(n_timesteps, frames, rates)
    inside = frames < n_timesteps
    frames, rates = np.append(frames[inside], n_timesteps), np.append(rates[inside], last)
    area = np.sum(np.diff(frames) * (rates[1:] + rates[:-1]) / 2)
    return float(area / n_timesteps)
