"""A suite file: settings that several tasks share, and beside them the tasks, arms and seeds."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from rl_attention.errors import UserError
from rl_attention.experiment.fields import ConfigModel, Name
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.task_config import CompareConfig, parse_task, read_arms
from rl_attention.experiment.task_files import load_task
from rl_attention.experiment.validation import join_path, suggest, validate

_OF_THE_SUITE = ("arms", "seeds", "seed", "label", "tasks")


class SuiteTasks(ConfigModel):
    """The tasks of a suite."""

    tasks: dict[Name, dict[str, Any]] = Field(
        min_length=1, description="Name of each task -> the settings that it changes."
    )


class SuiteConfig(ConfigModel):
    """A suite, resolved: each task is a comparison of the same arms with the same seeds."""

    tasks: dict[str, CompareConfig] = Field(description="Name of each task -> its comparison.")
    arms: tuple[str, ...] = Field(description="Names of the arms, in the order of the file.")

    def select(
        self,
        *,
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
        seeds: Sequence[int] | None = None,
    ) -> "SuiteConfig":
        """Return a part of the suite, in the order of the file and with the same settings.

        Args:
            tasks: Names of tasks; by default all.
            arms: Names of arms, likewise.
            seeds: Seeds in place of the suite's.

        Raises:
            UserError: There is no such task or arm, or no task has any of the arms.
        """
        _refuse_unknown_names("--tasks", tasks or (), self.tasks)
        _refuse_unknown_names("--arms", arms or (), self.arms)
        chosen = tuple(arm for arm in self.arms if arms is None or arm in arms)
        parts = {
            name: task.model_copy(
                update={
                    "arms": {arm: task.arms[arm] for arm in chosen if arm in task.arms},
                    "seeds": tuple(seeds or task.seeds),
                }
            )
            for name, task in self.tasks.items()
            if tasks is None or name in tasks
        }
        parts = {name: part for name, part in parts.items() if part.arms}
        if not parts:
            raise UserError(f"--arms: expected an arm that the tasks have, got {', '.join(chosen)}")
        return SuiteConfig(tasks=parts, arms=chosen)


def parse_suite(data: Any, *, name: str, source: str = "") -> SuiteConfig:
    """Build a suite from plain data and check every arm of every task.

    Args:
        data: What a suite file or a task file held.
        name: What the task of a task file is called.
        source: The file's name, for messages.

    Raises:
        UserError: The file, a task or one of its arms is not valid.
    """
    prefix = f"{source}: " if source else ""
    if not isinstance(data, Mapping):
        raise UserError(f"{prefix}expected a mapping of settings, got {type(data).__name__}")
    if "search" in data:
        raise UserError(f"{prefix}search: this is a tuning file; run it with `rl-attention tune`")
    if "tasks" not in data:
        task = _with_arms(parse_task(data, source=source), prefix)
        return SuiteConfig(tasks={name: task}, arms=tuple(task.arms))
    common = {key: value for key, value in data.items() if key != "tasks"}
    _refuse_unknown(common, prefix)
    changes = read_arms(data["tasks"])  # a task without a change may be written as `name:`
    tasks = validate(SuiteTasks, {"tasks": changes}, source=source).tasks
    parsed = {
        task: _with_arms(_parse_one(common, task, changes, prefix), prefix)
        for task, changes in tasks.items()
    }
    return SuiteConfig(tasks=parsed, arms=tuple(common["arms"]))


def load_suite(name: str) -> SuiteConfig:
    """Read a suite or task file.

    Args:
        name: A path, or the name of a packaged suite or task, such as `quick` or `doorkey-5x5`.

    Raises:
        UserError: There is no such file, or it is not valid.
    """
    data, source = load_task(name, option="SUITE", suites=True)
    return parse_suite(data, name=Path(source).stem, source=source)


def _parse_one(
    common: Mapping[str, Any], task: str, changes: Mapping[str, Any], prefix: str
) -> CompareConfig:
    where = f"{prefix}{join_path(('tasks', task))}"
    misplaced = next((key for key in _OF_THE_SUITE if key in changes), None)
    if misplaced is not None:
        raise UserError(
            f"{where}.{misplaced}: expected a setting that the task changes; "
            "arms and seeds are the same for all tasks, and stand at the top"
        )
    without = _read_without(changes.get("without"), common.get("arms"), where)
    settings = merge(common, {key: part for key, part in changes.items() if key != "without"})
    if without:
        settings["arms"] = {a: part for a, part in settings["arms"].items() if a not in without}
        if not settings["arms"]:
            raise UserError(f"{where}.without: expected at least one arm to be left, got none")
    return parse_task(settings, source=where)


def _read_without(names: Any, arms: Any, where: str) -> Sequence[str]:
    """Read which arms a task cannot have, such as letters where there is no sentence."""
    known = list(arms) if isinstance(arms, Mapping) else []
    if names is None:
        return ()
    if not isinstance(names, list) or not all(name in known for name in names):
        raise UserError(
            f"{where}.without: expected a list of arms, some of {', '.join(known)}, got {names!r}"
        )
    return names


def _refuse_unknown_names(option: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{option}: expected some of {', '.join(known)}, got {name!r}")


def _refuse_unknown(common: Mapping[str, Any], prefix: str) -> None:
    known = [*CompareConfig.model_fields, "tasks"]
    unknown = next((key for key in common if key not in known), None)
    if unknown is not None:
        path = (str(unknown),)
        raise UserError(f"{prefix}{join_path(path)}: unknown key{suggest(path, known)}")


def _with_arms(task: CompareConfig, prefix: str) -> CompareConfig:
    """Refuse a task without an arm, and a second name for one: it stands in files and tables."""
    if not task.arms:
        raise UserError(
            f"{prefix}arms: expected at least one arm, got none; write `arms: {{attention: }}`"
        )
    labelled = next((arm for arm, changes in task.arms.items() if "label" in changes), None)
    if labelled is not None:
        raise UserError(
            f"{prefix}arms.{labelled}.label: expected no label in a suite, where an arm is called "
            "by its key; name the key so"
        )
    return task
