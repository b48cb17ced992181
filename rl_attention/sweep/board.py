"""Progress of several runs in a terminal: a line for each, and the time left over all."""

from collections.abc import Sequence
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
from rl_attention.sweep.local import Outcome
from rl_attention.sweep.trials import Trial

_SPEED_WINDOW_S = 120


class ProgressBoard:
    """Shows trials as they run; without bars it prints a line as each begins and ends.

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
        self._lines: dict[str, TaskID] = {}
        self._frames = dict.fromkeys((trial.name for trial in trials), 0)
        self._n_ended = 0
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
        """Add a line for a trial."""
        if self._quiet:
            self.console.print(f"{trial.name}: started", highlight=False)
        total = trial.config.n_timesteps
        self._lines[trial.name] = self._bars.add_task(trial.name, total=total, note="starting")

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """Move a trial's line and the sum."""
        frames = min(progress.frames, trial.config.n_timesteps)
        self._bars.update(self._lines[trial.name], completed=frames, note=_note(progress))
        self._count_frames(trial, frames)

    def ended(self, outcome: Outcome) -> None:
        """Take a trial's line away and say how it ended."""
        trial = outcome.trial
        self._n_ended += 1
        self._count_frames(trial, trial.config.n_timesteps)
        self._bars.remove_task(self._lines.pop(trial.name))
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

    def _count_frames(self, trial: Trial, frames: int) -> None:
        self._frames[trial.name] = frames
        self._bars.update(self._total, completed=sum(self._frames.values()), note=self._count())

    def _count(self) -> str:
        return f"{self._n_ended}/{len(self._frames)} runs"


def _note(progress: Progress) -> str:
    if progress.frames >= progress.total:
        return "evaluating"
    speed = f"{progress.fps:,.0f} frames/s"
    if progress.success_rate is None:
        return speed
    return f"{speed}  success {progress.success_rate:.2f}"
