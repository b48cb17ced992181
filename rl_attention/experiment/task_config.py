"""A task file: one run's settings, and beside them the arms and seeds to compare."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rl_attention.errors import UserError
from rl_attention.experiment.compatibility import VIEWS_OF_ARM
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.fields import Seeds
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.validation import join_path, validate


def read_arms(value: Any) -> Any:
    """Let an arm without a change be written as `mlp:` alone."""
    if not isinstance(value, Mapping):
        return value
    return {name: {} if override is None else override for name, override in value.items()}


Arms = Annotated[dict[str, dict[str, Any]], BeforeValidator(read_arms)]


class CompareConfig(RunConfig):
    """A comparison: every arm with every seed."""

    arms: Arms = Field(default={}, description="Name of each arm -> the fields that it changes.")
    seeds: Seeds = Field(default=(0, 1, 2), description="One run for each seed and arm.")

    def run(self, arm: str, seed: int) -> RunConfig:
        """Return the config of one arm with one seed.

        Args:
            arm: A name among `arms`.
            seed: Any seed.

        Raises:
            UserError: There is no such arm, or what it changes makes no valid run.
        """
        if arm not in self.arms:
            raise UserError(f"arm: expected one of {', '.join(self.arms)}, got {arm!r}")
        changes = dict(self.arms[arm])
        if "arm" not in changes and arm in VIEWS_OF_ARM:
            changes["arm"] = arm
        _choose_view(changes)
        label = None if changes.get("arm", self.arm) == arm else arm
        data = merge(self._base(), {"label": label, **changes, "seed": seed})
        return validate(RunConfig, data, source=join_path(("arms", arm)))

    def own_run(self, seed: int) -> RunConfig:
        """Return the config of the settings as they stand, without any arm's changes.

        Args:
            seed: Any seed.
        """
        return validate(RunConfig, {**self._base(), "label": self.label, "seed": seed})

    def _base(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"arms", "seeds", "seed", "label"})


def _choose_view(changes: dict[str, Any]) -> None:
    """Give an arm that takes one view only that view, whatever the others see."""
    name, env = changes.get("arm"), changes.get("env", {})
    views = VIEWS_OF_ARM.get(name, ()) if isinstance(name, str) else ()
    if len(views) == 1 and isinstance(env, Mapping) and "view" not in env:
        changes["env"] = {**env, "view": views[0]}


def parse_task(data: Any, *, source: str = "") -> CompareConfig:
    """Build a comparison from plain data and check each of its arms.

    Args:
        data: What the task file held, overrides merged in.
        source: The file's name, for messages.

    Raises:
        UserError: The file or one of its arms is not valid.
    """
    task = validate(CompareConfig, data, source=source)
    for arm in task.arms:
        try:
            task.run(arm, task.seeds[0])
        except UserError as error:
            raise UserError(f"{source}: {error}" if source else str(error)) from None
    return task
