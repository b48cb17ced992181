"""Which runs a report is of: each once, checked, in an order of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rl_attention.comparison.results import KEPT, RunResult
from rl_attention.comparison.settings import flatten
from rl_attention.errors import UserError

LEAST_FPS = 0.001
"""Fewer frames a second would make times that no number holds."""


def select_runs(runs: Sequence[RunResult]) -> tuple[RunResult, ...]:
    """Take each run once, and order them by task, arm and seed.

    A run folder and a file that was kept of the same run are one: the file names the task, and the
    folder has the maps.

    Args:
        runs: What was read, in any order.

    Raises:
        UserError: There is none, one cannot be, two are of the same task, arm and seed, or those
            of an arm learned in more than one way.
    """
    if not runs:
        raise UserError("report: expected at least one finished run, got none")
    groups: dict[str, list[RunResult]] = {}
    for run in sorted(runs, key=lambda run: (str(run.path), run.task)):
        _check(run)
        groups.setdefault(_identity(run), []).append(run)
    single = sorted(map(_merge, groups.values()), key=lambda run: (run.task, run.arm, run.seed))
    _refuse_mixed_learners(single)
    _refuse_doubles(single)
    _refuse_mixed_tasks(single)
    return tuple(single)


def _identity(run: RunResult) -> str:
    """Name a run by its settings; older files have none, and are known by all that they hold."""
    own = (run.env, run.arm, run.algo, run.seed)
    return repr((own, flatten(run) if run.settings else _outcome(run)))


def _outcome(run: RunResult) -> RunResult:
    return replace(run, task="", path=None, settings={})


def _merge(entries: Sequence[RunResult]) -> RunResult:
    kept = [run for run in entries if _is_kept(run)]
    folders = [run for run in entries if not _is_kept(run)]
    first = entries[0]
    for other in entries[1:]:
        if _outcome(other) != _outcome(first):
            raise UserError(
                f"{first.path} and {other.path}: expected the same results of the same settings, "
                "got others; leave one of them out"
            )
    if len({run.task for run in kept}) > 1:
        raise UserError(
            f"{kept[0].path} and {kept[-1].path}: expected one task, got the same run as "
            f"{kept[0].task} and as {kept[-1].task}; leave one of them out"
        )
    task = (kept or folders)[0].task
    return replace((folders or kept)[0], task=task)


def _is_kept(run: RunResult) -> bool:
    return run.path is not None and run.path.name.endswith(KEPT)


def _refuse_doubles(runs: Iterable[RunResult]) -> None:
    seen: dict[tuple[str, str, int], RunResult] = {}
    for run in runs:
        other = seen.setdefault((run.task, run.arm, run.seed), run)
        if other is not run:
            raise UserError(
                f"{other.path} and {run.path}: expected one run of task {run.task}, arm "
                f"{run.arm} and seed {run.seed}, got two different ones; leave one of them out"
            )


def _refuse_mixed_learners(runs: Iterable[RunResult]) -> None:
    seen: dict[tuple[str, str], RunResult] = {}
    for run in runs:
        other = seen.setdefault((run.task, run.arm), run)
        learners = _learner(other), _learner(run)
        if learners[0] != learners[1]:
            raise UserError(
                f"{other.path} and {run.path}: expected one way of learning for arm {run.arm} of "
                f"task {run.task}, got {' and '.join(learners)}; give one of them a name of its "
                "own by --label when it is run, or leave it out"
            )


def _learner(run: RunResult) -> str:
    imitation = run.settings.get("imitation")
    if isinstance(imitation, Mapping):
        return str(imitation.get("method"))
    return f"{run.algo} from other weights" if run.settings.get("init") else run.algo


def _refuse_mixed_tasks(runs: Iterable[RunResult]) -> None:
    seen: dict[str, RunResult] = {}
    for run in runs:
        other = seen.setdefault(run.task, run)
        if other.env != run.env:
            raise UserError(
                f"{other.path} and {run.path}: expected one environment in task {run.task}, got "
                f"{other.env} and {run.env}; give them tasks of their own"
            )


def _check(run: RunResult) -> None:
    if run.fps < LEAST_FPS:
        raise UserError(f"{run.path}: fps: expected at least {LEAST_FPS}, got {run.fps}")
    for frames, rate in run.curve:
        if frames < 0 or not 0 <= rate <= 1:
            raise UserError(
                f"{run.path}: curve: expected frames from 0 and rates from 0 to 1, got "
                f"[{frames}, {rate}]"
            )
