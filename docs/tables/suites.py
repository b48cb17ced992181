"""What the arms of a suite came to."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rl_attention.comparison.markdown import render_markdown, write_table
from rl_attention.comparison.published import Published
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.suite import SuiteSummary, TaskSummary, summarise_suite
from rl_attention.comparison.tables import (
    cost_table,
    estimate,
    overall_line,
    results_table,
    zero_shot_table,
)
from tables.records import RESULTS, read_records, read_suite

SUITES = {
    "core": "rl-attention compare core --results docs/results/core",
    "core-gain-1": "rl-attention compare core-gain-1.yaml --results docs/results/core-gain-1",
    "box-world": "rl-attention compare box-world --results docs/results/box-world",
    "full": "rl-attention sweep full --results docs/results/full",
    "imitation": "rl-attention compare imitation --results docs/results/imitation",
    "language": "rl-attention compare language --results docs/results/language",
    "memory": "rl-attention compare memory --results docs/results/memory",
    "wall-time": "rl-attention compare wall-time --results docs/results/wall-time",
}
"""Suites whose small result files are kept, and the command that adds what is missing."""


def fill_suite(name: str) -> str:
    """Make the table of a suite, a row for each task, and what may be said over all of them."""
    summary = read_suite(name)
    lines = over_tasks(summary)
    if "uniform" in summary.arms:
        lines += hold_against(read_records(name), "attention", "uniform")
    lines += [f"- {warning}" for warning in summary.warnings]
    return "\n\n".join([write_table(results_table(summary)), "\n".join(lines), ""])


def fill_costs(name: str) -> str:
    """Lay out how soon each arm of a suite learned, and at what cost; a table for each task."""
    tables = [write_table(cost_table(task)) for task in read_suite(name).tasks.values()]
    return "\n\n".join([*tables, ""])


def fill_tests(name: str) -> str:
    """Lay out what each arm of a suite does on what was never trained; a table for each task."""
    tables = [zero_shot_table(task) for task in read_suite(name).tasks.values()]
    return "\n\n".join([*(write_table(table) for table in tables if table), ""])


def fill_gains(name: str) -> str:
    """Hold each arm of a suite against itself with a critic that starts as SB3's does."""
    after, plain = read_records(name), read_records(f"{name}-gain-1")
    before = [replace(run, arm=f"{run.arm}, gain 1") for run in plain]
    parts = []
    for arm in sorted({run.arm for run in after} & {run.arm for run in plain}):
        pair = (arm, f"{arm}, gain 1")
        runs = [run for run in [*after, *before] if run.arm in pair]
        summary = summarise_suite(runs, baseline=pair[1])
        parts += [write_table(results_table(summary)), "\n".join(over_tasks(summary))]
    return "\n\n".join([*parts, ""])


def hold_against(runs: list[RunResult], arm: str, baseline: str) -> list[str]:
    """Say how one arm does against another over the tasks that both have."""
    shared = [{run.task for run in runs if run.arm == name} for name in (arm, baseline)]
    tasks = set.intersection(*shared)
    found = [run for run in runs if run.arm in (arm, baseline) and run.task in tasks]
    if not found:
        return []
    told = ", ".join(f"{name} {_fewest_seeds(found, name)}" for name in (arm, baseline))
    lines = over_tasks(summarise_suite(found, baseline=baseline))
    return [f"{line} (seeds a task, at least: {told})" for line in lines]


def _fewest_seeds(runs: list[RunResult], arm: str) -> int:
    return min(Counter(run.task for run in runs if run.arm == arm).values())


def over_tasks(summary: SuiteSummary) -> list[str]:
    """Say how each arm does against the baseline over all tasks that both have."""
    return [f"- {overall_line(each, summary.metric)}" for each in summary.aggregate.versus]


def fill_published(name: str) -> str:
    """Hold what RL Zoo has published against the likeliest actions of our arms after training."""
    source = name.replace("-", " ")
    names = ["task", "suite", "frames", "seeds", "attention [95 %]", "mlp [95 %]"]
    names += [source, "its frames"]
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    for suite in ("core", "full"):
        if (RESULTS / suite).is_dir():
            for task in read_suite(suite).tasks.values():
                found = [x for x in task.published if x.source.startswith(source)]
                lines += [published_line(suite, task, known) for known in found]
    return "\n".join([*lines, ""])


def published_line(suite: str, task: TaskSummary, known: Published) -> str:
    """Lay out one published number beside ours: returns of the likeliest action."""
    first = task.arms["attention"]
    cells = [task.task, f"`{suite}`", f"{first.frames[0]:,}", str(len(first.seeds))]
    for arm in ("attention", "mlp"):
        test = task.arms[arm].zero_shot["likeliest"] if arm in task.arms else None
        cells.append("-" if test is None else estimate(test.mean_reward))
    return f"| {' | '.join([*cells, f'{known.value:.3f}', f'{known.frames:,}'])} |"


def suite_files() -> dict[Path, str]:
    """Make the summaries of each suite that has result files: numbers as JSON, tables as text."""
    files = {}
    for name, command in SUITES.items():
        if any((RESULTS / name).rglob("*.result.json")):
            summary = read_suite(name)
            title = f"The suite {name}"
            text = render_markdown(summary, title=title, command=command)
            numbers = {"title": title, "command": command, **summary.to_dict()}
            files[RESULTS / f"{name}.md"] = text
            files[RESULTS / f"{name}.json"] = json.dumps(numbers, indent=1) + "\n"
    return files
