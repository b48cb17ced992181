"""Progress of runs in a terminal: the sum with the time left, and a line for each at work."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)

from rl_attention.experiment.progress_file import Progress
from rl_attention.sweep.executor import Outcome
from rl_attention.sweep.trials import Trial

_SPEED_WINDOW_S = 120
_LINES = 24
"""Runs that have a line of their own at a time; the others are counted."""


class ProgressBoard:
    """Shows trials as they run; without bars it prints a line as each begins and ends.

    A few dozen of the running ones have a bar of their own, the sum comes first.

    Args:
        trials: All that will run.
        console: Where to show them.
        bars: Whether to draw bars.
    """

    def __init__(self, trials: Sequence[Trial], console: Console, *, bars: bool) -> None:
        self.console = console
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not bars,
            speed_estimate_period=_SPEED_WINDOW_S,
        )
        self._quiet = not bars
        self._lines: dict[Path, TaskID] = {}
        self._frames: dict[Path, int] = {}
        self._all_frames = 0
        self._n_trials = len(trials)
        self._n_running = self._n_ended = self._n_failed = 0
        total = sum(trial.config.n_timesteps for trial in trials)
        self._total = self._bars.add_task("all runs", total=total, note=self._count())

    def __enter__(self) -> "ProgressBoard":
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last picture standing."""
        self._bars.stop()

    def started(self, trial: Trial) -> None:
        """Count a trial."""
        self._n_running += 1
        if self._quiet:
            self.console.print(f"{trial.name}: started", highlight=False)
        elif len(self._lines) < _LINES:
            self._add_line(trial, "starting")
        self._bars.update(self._total, note=self._count())

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """Move a trial's line, if it has one, and the sum."""
        frames = min(progress.frames, trial.config.n_timesteps)
        if not self._quiet and trial.folder not in self._lines and len(self._lines) < _LINES:
            self._add_line(trial, "")
        if trial.folder in self._lines:
            line = self._lines[trial.folder]
            self._bars.update(line, completed=frames, note=_note(progress))
        self._count_frames(trial, frames)

    def ended(self, outcome: Outcome) -> None:
        """Take a trial's line away and say how it ended."""
        trial = outcome.trial
        self._n_running -= 1
        self._n_ended += 1
        self._n_failed += outcome.error is not None
        self._count_frames(trial, trial.config.n_timesteps)
        if trial.folder in self._lines:
            self._bars.remove_task(self._lines.pop(trial.folder))
        if outcome.error is not None:
            self.console.print(
                f"Error: {outcome.error}",
                style="red",
                highlight=False,
                markup=False,
                soft_wrap=True,  # one line, whose path can be copied
            )
        elif self._quiet:
            self.console.print(f"{trial.name}: done", highlight=False)

    def _add_line(self, trial: Trial, note: str) -> None:
        total = trial.config.n_timesteps
        self._lines[trial.folder] = self._bars.add_task(trial.name, total=total, note=note)

    def _count_frames(self, trial: Trial, frames: int) -> None:
        self._all_frames += frames - self._frames.get(trial.folder, 0)
        self._frames[trial.folder] = frames
        self._bars.update(self._total, completed=self._all_frames, note=self._count())

    def _count(self) -> str:
        parts = [f"{self._n_ended}/{self._n_trials} runs"]
        if self._n_running > _LINES:
            parts.append(f"{self._n_running} at work")
        if self._n_failed:
            parts.append(f"{self._n_failed} failed")
        return ", ".join(parts)


def _note(progress: Progress) -> str:
    if progress.frames >= progress.total:
        return "evaluating"
    speed = f"{progress.fps:,.0f} frames/s"
    if progress.success_rate is None:
        return speed
    return f"{speed}  success {progress.success_rate:.2f}"
