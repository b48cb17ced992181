"""What the settings of runs have in common, and where they differ."""

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl_attention.comparison.results import RunResult
from rl_attention.errors import UserError

MAX_LEVELS = 16
MAX_VALUES = 1000

_LONGEST = 120
_ITSELF = ("seed",)
_MANY = 8


@dataclass(frozen=True)
class Setting:
    """One value of one setting, and who has it.

    Args:
        key: The setting, as in `hyperparams.gamma`.
        value: The value, as text.
        runs: The tasks, arms or both that have it; `all` where no run has another.
    """

    key: str
    value: str
    runs: str


def shown(value: Any) -> str:
    """Write a value from a file as one line of text that steers nothing.

    Args:
        value: Text or plain data; what is too long is cut.
    """
    text = value if isinstance(value, str) else reprlib.repr(value)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def flatten(run: RunResult) -> dict[str, Any]:
    """Return a run's settings without nesting, `hyperparams.gamma` and the like.

    Args:
        run: The run.

    Raises:
        UserError: They nest too deeply, or there are too many.
    """
    found: dict[str, Any] = {}
    waiting: list[tuple[int, str, Any]] = [(0, "", run.settings)]  # files may nest without end
    while waiting:
        level, key, value = waiting.pop()
        if level > MAX_LEVELS or len(found) + len(waiting) >= MAX_VALUES:
            raise UserError(
                f"{run.path}: settings: expected at most {MAX_VALUES} values in {MAX_LEVELS} "
                "levels, got more; is this file of a run?"
            )
        if isinstance(value, Mapping):
            waiting += [(level + 1, f"{key}.{k}".lstrip("."), v) for k, v in value.items()]
        elif isinstance(value, list) and any(isinstance(part, list | dict) for part in value):
            waiting += [(level + 1, f"{key}[{i}]", part) for i, part in enumerate(value)]
        else:
            found[key] = value
    return dict(sorted(found.items()))


def describe_settings(runs: Sequence[RunResult]) -> list[Setting]:
    """List every setting but the seed, those that differ first.

    Args:
        runs: The runs.

    Raises:
        UserError: The settings of a run nest too deeply, or there are too many.
    """
    told = [(run, flatten(run)) for run in runs if run.settings]
    keys = sorted({key for _, settings in told for key in settings if key not in _ITSELF})
    differing: list[Setting] = []
    common: list[Setting] = []
    for key in keys:
        holders: dict[str, list[RunResult]] = {}
        for run, settings in told:
            value = shown(settings[key]) if key in settings else "not set"
            holders.setdefault(value, []).append(run)
        if len(holders) == 1:
            common.append(Setting(shown(key), next(iter(holders)), "all"))
        else:
            who = _Who(run for run, _ in told)
            differing += [Setting(shown(key), v, who.name(holders[v])) for v in sorted(holders)]
    return differing + common


def settings_within(runs: Sequence[RunResult]) -> Iterator[str]:
    """Give the settings, besides the seed, in which the runs of one arm on one task differ.

    Args:
        runs: Runs that should differ in nothing else.
    """
    flat = [flatten(run) for run in runs]
    for key in sorted({key for settings in flat for key in settings}):
        if key not in _ITSELF and len({repr(settings.get(key)) for settings in flat}) > 1:
            yield shown(key)


def versions_of(runs: Iterable[RunResult]) -> dict[str, list[str]]:
    """Return the versions of each package, `not installed` where only some runs had it.

    Args:
        runs: The runs.
    """
    told = [run.versions for run in runs if run.versions]
    packages = sorted({package for versions in told for package in versions})
    return {
        shown(package): sorted({shown(v.get(package, "not installed")) for v in told})
        for package in packages
    }


class _Who:
    """Names groups of runs: by tasks or by arms alone, where that says it all."""

    def __init__(self, runs: Iterable[RunResult]) -> None:
        self.cells = sorted({(run.task, run.arm) for run in runs})

    def name(self, runs: Sequence[RunResult]) -> str:
        cells = sorted({(run.task, run.arm) for run in runs})
        for axis in (0, 1):
            names = sorted({cell[axis] for cell in cells})
            if cells == [cell for cell in self.cells if cell[axis] in names]:
                return _listed(names)
        return _listed([f"{task}/{arm}" for task, arm in cells])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MANY
    listed = ", ".join(map(shown, names[:_MANY]))
    return f"{listed} and {more} more" if more > 0 else listed
