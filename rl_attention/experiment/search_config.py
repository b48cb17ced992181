"""A tuning file: a suite, and beside its tasks and arms what is searched and how long."""

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.fields import ConfigModel, Count, read_number
from rl_attention.experiment.overrides import flatten, merge, nest
from rl_attention.experiment.suite_config import SuiteConfig, parse_suite
from rl_attention.experiment.task_config import CompareConfig
from rl_attention.experiment.task_files import load_task
from rl_attention.experiment.validation import join_path, validate

Setting = bool | int | float | str
"""A value that a search may draw."""

_SEARCH_KEYS = ("search", "n_trials")
_NOT_SEARCHED = ("arm", "arms", "label", "seed", "seeds", "tasks")
_MOST_COMBINATIONS = 256
_INSIDE = 0.382
"""A place within a range whose value is not round, so that a whole number shows that it must be."""


def read_bound(value: Any) -> int | float:
    """Accept a finite number, also in quotes.

    Raises:
        PydanticCustomError: Something else came.
    """
    value = read_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("bound", "expected a number")
    return value


def read_choices(value: Any) -> tuple[Setting, ...]:
    """Accept a list of different numbers, texts and truth values.

    Raises:
        PydanticCustomError: Something else came.
    """
    if not isinstance(value, list | tuple) or not value:
        raise PydanticCustomError("choices", "expected a list of at least one value")
    choices = tuple(read_number(choice) for choice in value)
    for choice in choices:
        finite = not isinstance(choice, float) or math.isfinite(choice)
        if not isinstance(choice, bool | int | float | str) or not finite:
            message = "expected numbers, texts, true or false in the list"
            raise PydanticCustomError("choices", message)
    if len(set(choices)) < len(choices):
        raise PydanticCustomError("choices", "expected each value once")
    return choices


Bound = Annotated[int | float, PlainValidator(read_bound)]
Choices = Annotated[tuple[Setting, ...], PlainValidator(read_choices)]


class SearchRange(ConfigModel):
    """What a setting may be: between two numbers, or one of a list.

    Whole numbers are drawn if both bounds are written as such: `{low: 1, high: 4}`, but
    `{low: 0.0, high: 1.0}`.
    """

    low: Bound | None = Field(default=None, description="Least value.")
    high: Bound | None = Field(default=None, description="Largest value.")
    log: bool = Field(default=False, description="Draw the logarithm evenly.")
    choices: Choices | None = Field(default=None, description="The values, in place of bounds.")

    @model_validator(mode="after")
    def _check(self) -> "SearchRange":
        problem = self._find_problem()
        if problem is not None:
            raise PydanticCustomError("range", "{reason}", {"reason": problem})
        return self

    def _find_problem(self) -> str | None:
        if self.choices is not None:
            alone = self.low is None and self.high is None and not self.log
            return None if alone else "expected choices alone, or low and high"
        if self.low is None or self.high is None:
            return "expected low and high, or choices"
        if self.low >= self.high:
            return "expected low below high"
        if self.log and self.low <= 0:
            return "expected low above 0 with log: true"
        return None

    @property
    def whole(self) -> bool:
        """Whether whole numbers are drawn between the bounds."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def find(self, value: Any) -> Setting | None:
        """Return a value as this range draws it, or None if it lies outside.

        Args:
            value: Any setting's value.
        """
        if self.choices is not None:
            same = (c for c in self.choices if c == value and _is_flag(c) == _is_flag(value))
            return next(same, None)
        if _is_flag(value) or not isinstance(value, int | float):
            return None
        if not self.bounds[0] <= value <= self.bounds[1] or (self.whole and value != int(value)):
            return None
        return int(value) if self.whole else float(value)

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value of a range that is no list."""
        assert self.low is not None  # checked above
        assert self.high is not None
        return self.low, self.high

    def examples(self) -> tuple[Setting, ...]:
        """Return all choices, or the bounds and a value between them."""
        if self.choices is not None:
            return self.choices
        low, high = self.bounds
        between = low + _INSIDE * (high - low)
        return (int(low), int(high)) if self.whole else (float(low), float(high), between)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)  # True == 1


class TuningConfig(ConfigModel):
    """A tuning file, resolved."""

    suite: SuiteConfig = Field(description="Tasks, arms and seeds.")
    search: dict[str, SearchRange] = Field(
        min_length=1, description="Path of each setting that is searched -> what it may be."
    )
    n_trials: Count = Field(description="Settings that are tried for each arm.")

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, the same for every task."""
        return tuple(next(iter(self.suite.tasks.values())).arms)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every trial."""
        return next(iter(self.suite.tasks.values())).seeds

    def run(self, task: str, arm: str, seed: int, drawn: Mapping[str, Setting]) -> RunConfig:
        """Return the config of one run of a trial.

        Args:
            task: A name among the suite's tasks.
            arm: A name among `arms`.
            seed: Any seed.
            drawn: Path of each searched setting -> its value; nothing: the arm's own settings.

        Raises:
            UserError: The settings make no valid run.
        """
        return _lay_over(self.suite.tasks[task], arm, drawn).run(arm, seed)

    def find_default(self, arm: str) -> dict[str, Setting] | None:
        """Return an arm's own values of the searched settings.

        Args:
            arm: A name among `arms`.

        Returns:
            Path -> value; None if one of them lies outside its range or differs between tasks.
        """
        runs = [flatten(self.run(task, arm, 0, {}).dump()) for task in self.suite.tasks]
        found: dict[str, Setting] = {}
        for path, limits in self.search.items():
            values = [limits.find(run.get(path)) for run in runs]
            if values[0] is None or any(value != values[0] for value in values):
                return None
            found[path] = values[0]
        return found


class _SearchPart(ConfigModel):
    search: dict[str, SearchRange] = Field(min_length=1)
    n_trials: Count


def parse_tuning(data: Any, *, name: str, source: str = "") -> TuningConfig:
    """Build a tuning config from plain data and check what may be drawn.

    Args:
        data: What a tuning file held.
        name: What the task is called if the file holds one task alone.
        source: The file's name, for messages.

    Raises:
        UserError: The file, a range or what it may draw is not valid.
    """
    prefix = f"{source}: " if source else ""
    if not isinstance(data, Mapping):
        raise UserError(f"{prefix}expected a mapping of settings, got {type(data).__name__}")
    given = {key: data[key] for key in _SEARCH_KEYS if key in data}
    part = validate(_SearchPart, given, source=source)
    rest = {key: value for key, value in data.items() if key not in _SEARCH_KEYS}
    suite = parse_suite(rest, name=name, source=source)
    for path in part.search:
        if path.split(".")[0] in _NOT_SEARCHED:
            raise UserError(
                f"{prefix}{join_path(('search', path))}: expected a setting of a run, such as "
                "hyperparams.learning_rate; arms, seeds and tasks are what the search is for"
            )
    config = TuningConfig(suite=suite, search=part.search, n_trials=part.n_trials)
    _check_draws(config, prefix)
    return config


def load_tuning(name: str) -> TuningConfig:
    """Read a tuning file.

    Args:
        name: Its path, or the name of a packaged one, such as `tuning`.

    Raises:
        UserError: There is no such file, or it is not valid.
    """
    data, source = load_task(name, option="SUITE", suites=True)
    return parse_tuning(data, name=Path(source).stem, source=source)


def _lay_over(task: CompareConfig, arm: str, drawn: Mapping[str, Setting]) -> CompareConfig:
    changed = merge(task.arms.get(arm, {}), nest(drawn))
    return task.model_copy(update={"arms": {**task.arms, arm: changed}})


def _check_draws(config: TuningConfig, prefix: str) -> None:
    for drawn in _combine(config.search):
        for task, arm in itertools.product(config.suite.tasks, config.arms):
            try:
                config.run(task, arm, config.seeds[0], drawn)
            except UserError as error:
                # what the message names is to blame; where settings do not go together, all are
                text = str(error)
                blamed = [path for path in drawn if path in text] or list(drawn)
                where = join_path(("search", blamed[0])) if len(blamed) == 1 else "search"
                shown = ", ".join(f"{path} {drawn[path]!r}" for path in blamed)
                raise UserError(
                    f"{prefix}{where}: expected values that make a valid run, got {shown} "
                    f"for task {task}: {text}"
                ) from None


def _combine(search: Mapping[str, SearchRange]) -> Iterator[dict[str, Setting]]:
    """List what may be drawn: all examples together, or each in turn if those are too many."""
    examples = {path: limits.examples() for path, limits in search.items()}
    if math.prod(len(values) for values in examples.values()) <= _MOST_COMBINATIONS:
        for values in itertools.product(*examples.values()):
            yield dict(zip(examples, values, strict=True))
        return
    first = {path: values[0] for path, values in examples.items()}
    for path, values in examples.items():
        for value in values:
            yield {**first, path: value}
