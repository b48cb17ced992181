"""What `explain` found."""

import json
import re
from typing import Any

from rl_attention.explain.bootstrap import Estimate
from tables.records import RESULTS

HEAD = re.compile(r"h\d+$")
"""Ends the name of a map that is of one head."""


def fill_explain(task: str) -> str:
    """Lay out what `explain` found of one task: a row for each map, and the verdict."""
    found = read_explained(task)
    names = ["map", "F [95 %]", f"top entity right (chance {found['chance']:.2f})"]
    names += [f"flips (any entity {found['flip_random']['mean']:.2f})"]
    names += ["comprehensiveness", "sufficiency", "against", "sanity"]
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    whole = {name: part for name, part in found["maps"].items() if not HEAD.search(name)}
    for name, scores in whole.items():
        parts = ("faithfulness", "hit", "flip", "comprehensiveness", "sufficiency", "violation")
        cells = [f"`{name}`", *(str(read_estimate(scores[part])) for part in parts)]
        lines.append(f"| {' | '.join([*cells, with_digits(scores['sanity'])])} |")
    changed = [
        f"- weights {name}: actions move by {read_estimate(part['distance'])}, "
        f"flips {read_estimate(part['flip'])}"
        for name, part in found["mechanisms"].items()
    ]
    said = [
        f"- attention of two seeds differs by {with_digits(found['between_runs'])} nats of 0.69"
    ]
    said += [f"- note: {note}" for note in found["notes"]]
    title = (
        f"{found['n_runs']} seeds, {found['n_states']:,} states of {found['n_episodes']} episodes, "
        f"{found['n_telling']:,} of them telling. **{found['verdict']['text']}.**"
    )
    return "\n".join([title, "", *lines, "", *changed, *said, "", *seed_lines(task), ""])


def seed_lines(task: str) -> list[str]:
    """Lay out the seeds by themselves, beside how well each does its task."""
    lines = ["| seed | success in training's evaluation | verdict | F [95 %] |", "| --- " * 4 + "|"]
    for path in sorted((RESULTS / "explain").glob(f"{task}_s*.json")):
        seed = path.stem.rpartition("_s")[2]
        kept = RESULTS / "core-gain-1" / task / f"attention_s{seed}.result.json"
        success = json.loads(kept.read_text(encoding="utf-8"))["success_rate"]
        alone = read_explained(path.stem)
        score = read_estimate(alone["maps"]["attention"]["faithfulness"])
        lines.append(f"| {seed} | {success:.2f} | {alone['verdict']['word']} | {score} |")
    return lines


def read_explained(name: str) -> Any:
    """Read what `rl-attention explain --json` wrote."""
    return json.loads((RESULTS / "explain" / f"{name}.json").read_text(encoding="utf-8"))


def read_estimate(found: dict[str, Any]) -> Estimate:
    """Read an estimate from JSON, where what is undefined is null."""
    mean = float("nan") if found["mean"] is None else found["mean"]
    return Estimate(**{**found, "mean": mean})


def with_digits(value: float | None) -> str:
    """Write a number that may be missing."""
    return "-" if value is None else f"{value:.2f}"
