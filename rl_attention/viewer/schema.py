"""The data of a replay, version 1: everything that the page shows, as plain JSON."""

import html
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rl_attention.errors import UserError
from rl_attention.files import write_text
from rl_attention.viewer.checks import check_replay, check_run
from rl_attention.viewer.page import render_html
from rl_attention.viewer.parts import (
    Entity,
    Interval,
    Layer,
    MapMeta,
    Moment,
    Part,
    Probe,
    Score,
    Step,
    StepScore,
    Verdict,
    Weights,
    Without,
)

__all__ = [
    "Entity",
    "Interval",
    "Layer",
    "MapMeta",
    "Moment",
    "Probe",
    "Replay",
    "Run",
    "Score",
    "Step",
    "StepScore",
    "Verdict",
    "Weights",
    "Without",
]


class Run(Part):
    """What one agent did and attended to.

    Attributes:
        name: Name of the run, such as `attention_ppo_s0`.
        env: Environment.
        arm: What the network is: `attention`, `mlp`, ...
        seed: Seed of the environment.
        actions: Names of discrete actions in order; empty for continuous ones.
        value_name: What the value is, such as `V(s)`; None: there is none.
        frames: PNG files as base64, each distinct frame once.
        layers: Attention layers; empty for a network without attention.
        maps: Kinds of map, the most important first.
        verdict: Whether a map explains the decisions.
        steps: Decisions in order of episode and time.
        probes: Fixed states over the training.
    """

    name: str
    env: str
    arm: str
    seed: int
    actions: list[str]
    value_name: str | None = None
    frames: list[str] = Field(default_factory=list)
    layers: list[Layer] = Field(default_factory=list)
    maps: list[MapMeta] = Field(default_factory=list)
    verdict: Verdict | None = None
    steps: Annotated[list[Step], Field(min_length=1)]
    probes: list[Probe] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits(self) -> "Run":
        check_run(self)
        return self


class Replay(Part):
    """One run, or two of the same environment and seed side by side.

    In Jupyter a replay shows itself.

    Attributes:
        version: Of the format.
        title: Heading of the page.
        runs: One or two.
    """

    version: Literal[1] = 1
    title: str
    runs: Annotated[list[Run], Field(min_length=1, max_length=2)]

    @model_validator(mode="after")
    def _fits(self) -> "Replay":
        check_replay(self)
        return self

    def save_html(self, path: Path) -> None:
        """Write the replay as one HTML file that asks nothing of any network.

        Args:
            path: Where it goes; missing folders are made.
        """
        write_text(path, render_html(self))

    def save_json(self, path: Path) -> None:
        """Write the data alone, as `read_replay` reads it.

        Args:
            path: Where it goes; missing folders are made.
        """
        write_text(path, self.model_dump_json() + "\n")

    def beside(self, other: "Replay") -> "Replay":
        """Return a replay that shows this run and another side by side.

        Args:
            other: A replay of one run, of the same environment and seed.

        Raises:
            UserError: Environment or seed differ, or one of the two has two runs already.
        """
        if len(self.runs) + len(other.runs) != 2:
            raise UserError("beside: expected two replays of one run each, got one of two runs")
        (ours,), (theirs,) = self.runs, other.runs
        if (ours.env, ours.seed) != (theirs.env, theirs.seed):
            raise UserError(
                f"beside: expected {ours.env} with seed {ours.seed}, got {theirs.env} with seed "
                f"{theirs.seed}; replay both with the same --seed"
            )
        return Replay(title=f"{ours.name} beside {theirs.name}", runs=[ours, theirs])

    def _repr_html_(self) -> str:
        """Show the page in a notebook, in a frame that can do nothing but run its own script."""
        page = html.escape(render_html(self), quote=True)
        return (
            f'<iframe sandbox="allow-scripts" title="{html.escape(self.title, quote=True)}" '
            f'srcdoc="{page}" width="100%" height="900" style="border: 0"></iframe>'
        )
