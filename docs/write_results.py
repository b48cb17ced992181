"""Write the results tables of the README and the docs from the committed result files.

Usage: python docs/write_results.py [--check]
"""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rl_attention.comparison import Comparison, Row, Versus, compare, find_runs, read_runs
from rl_attention.comparison.markdown import render_markdown, write_table
from rl_attention.comparison.published import Published
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.suite import SuiteSummary, TaskSummary, summarise_suite
from rl_attention.comparison.table import format_frames
from rl_attention.comparison.tables import (
    cost_table,
    estimate,
    overall_line,
    results_table,
    zero_shot_table,
)
from rl_attention.explain.bootstrap import Estimate
from rl_attention.sweep.records import with_defaults

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
MEMBERS = ROOT / "configs" / "members.yaml"
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

BASELINES = {"memory": "lstm"}
"""The arm that others are held against, where that is not the MLP."""

PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{page}.md"
        for page in (
            "attention",
            "box-world",
            "speed",
            "resuming",
            "rare-rewards",
            "rl-zoo-parity",
            "does-attention-explain",
            "language",
            "imitation",
            "memory",
        )
    ),
)
TABLE = re.compile(
    r"(<!-- (members|ratios|arms|suite|costs|tests|labels|methods|gains|published|explain): (\S+)"
    r" -->\n)"
    r".*?(<!-- end -->)",
    flags=re.DOTALL,
)

HEAD = re.compile(r"h\d+$")
"""Ends the name of a map that is of one head."""


def render_members(comparison: Comparison, speeds: dict[str, float]) -> str:
    """Lay the members of the family out as a Markdown table, one line each."""
    versus = {found.arm: found for found in comparison.versus}
    names = ["member", "seeds", "mean success", f"minus `{comparison.baseline}` [95 %]"]
    names += ["frames to 90 %", "parameters", *(["frames/s"] if speeds else [])]
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    lines += [render_member(row, versus.get(row.arm), speeds) for row in comparison.rows]
    return "\n".join([*lines, ""])


def render_member(row: Row, versus: Versus | None, speeds: dict[str, float]) -> str:
    """Lay one member out; a difference needs two seeds on both sides."""
    difference = "-"
    if versus is not None and versus.interval is not None:
        low, high = versus.interval
        difference = f"{versus.difference:+.3f} [{low:.3f}, {high:.3f}]"
    cells = [
        f"`{row.arm}`",
        str(len(row.seeds)),
        f"{row.success_rate:.3f}",
        difference,
        format_frames(row),
        f"{row.parameters:,}",
    ]
    if speeds:
        cells.append(f"{speeds[row.arm]:,.0f}" if row.arm in speeds else "-")
    return f"| {' | '.join(cells)} |"


def fill(place: re.Match[str]) -> str:
    """Put the table of one task between its marks."""
    begin, kind, name, end = place.groups()
    return f"{begin}{FILLERS[kind](name)}{end}"


def fill_members(env: str) -> str:
    """Make the table of the members on one environment, nothing where no run is there."""
    order = list(yaml.safe_load(MEMBERS.read_text(encoding="utf-8"))["arms"])
    folders = sorted(path.parent for path in (RESULTS / "members" / env).glob("*/results.json"))
    runs = sorted(read_runs(folders), key=lambda run: (order.index(run.arm), run.seed))
    return render_members(compare(runs, baseline="default"), read_speeds(env)) if runs else ""


def read_speeds(env: str) -> dict[str, float]:
    """Read the frames a second of short runs that had the machine for themselves."""
    folders = sorted(p.parent for p in (RESULTS / "members-speed" / env).glob("*/results.json"))
    return {run.arm: run.fps for run in read_runs(folders)} if folders else {}


def fill_ratios(name: str) -> str:
    """Put each ratio of a benchmark beside its aim."""
    found = json.loads((RESULTS / "speed" / f"{name}.json").read_text(encoding="utf-8"))
    lines = ["| ratio | median [lowest, highest] | aim | |", "| --- | --- | --- | --- |"]
    for ratio, aim in found["aims"].items():
        sign, bound = aim.split()
        met = found[ratio] >= float(bound) if sign == ">=" else found[ratio] <= float(bound)
        cells = [f"`{ratio}`", with_spread(found, ratio), aim, "met" if met else "not met"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def fill_arms(name: str) -> str:
    """Lay out the arms of the throughput benchmark, each over the others."""
    found = json.loads((RESULTS / "speed" / f"{name}.json").read_text(encoding="utf-8"))
    columns = ("over_textbook", "over_zoo", "over_mlp")
    lines = [
        "| training frames a second | over (a) | over (b) | over an mlp of its size |",
        "| --- | --- | --- | --- |",
    ]
    for arm in found["arms"].values():
        cells = [with_spread(arm, column) if column in arm else "-" for column in columns]
        lines.append(f"| {' | '.join([arm['label'], *cells])} |")
    return "\n".join([*lines, ""])


def fill_suite(name: str) -> str:
    """Make the table of a suite, a row for each task, and what may be said over all of them."""
    summary = read_suite(name)
    versus = list(summary.aggregate.versus)
    if "uniform" in summary.arms:
        control = read_suite(name, baseline="uniform").aggregate.versus
        versus += [x for x in control if (x.arm, x.baseline) == ("attention", "uniform")]
    lines = [f"- {overall_line(each, summary.metric)}" for each in versus]
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


def fill_labels(name: str) -> str:
    """Lay out what each arm of a suite of imitations learned: a seed's number beside the next."""
    names = ["task", "arm", "held-out steps as the bot's", "success", "likeliest action's success"]
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    found = read_records(name)
    for task, arm in sorted({(run.task, run.arm) for run in found}):
        runs = [run for run in found if (run.task, run.arm) == (task, arm)]
        scores = [
            [run.imitation.held_out_accuracy for run in runs if run.imitation],
            [run.success_rate for run in runs],
            [run.zero_shot["likeliest"].success_rate for run in runs],
        ]
        cells = [" ".join(f"{score:.3f}" for score in each) for each in scores]
        lines.append(f"| {' | '.join([task, arm, *cells])} |")
    return "\n".join([*lines, ""])


def fill_methods(name: str) -> str:
    """Hold DAgger against cloning, arm by arm, over the tasks in which both have run."""
    runs = read_records(name)
    arms = {run.arm.removesuffix("-dagger") for run in runs if run.arm.endswith("-dagger")}
    pairs = [(f"{arm}-dagger", f"{arm}-bc") for arm in sorted(arms)]
    return "\n".join([*(line for pair in pairs for line in hold_against(runs, *pair)), ""])


def hold_against(runs: list[RunResult], arm: str, baseline: str) -> list[str]:
    """Say how one arm does against another over the tasks that both have."""
    shared = [{run.task for run in runs if run.arm == name} for name in (arm, baseline)]
    tasks = set.intersection(*shared)
    found = [run for run in runs if run.arm in (arm, baseline) and run.task in tasks]
    if not found:
        return []
    summary = summarise_suite(found, baseline=baseline)
    return [f"- {overall_line(each, summary.metric)}" for each in summary.aggregate.versus]


def read_suite(name: str, *, baseline: str | None = None) -> SuiteSummary:
    """Summarise the small result files of a suite."""
    return summarise_suite(read_records(name), baseline=baseline or BASELINES.get(name))


def read_records(name: str) -> list[RunResult]:
    """Read the small result files of a suite."""
    return [with_defaults(run) for run in read_runs(find_runs([RESULTS / name]))]


def fill_gains(name: str) -> str:
    """Hold each arm of a suite against itself with a critic that starts as SB3's does."""
    after, plain = read_records(name), read_records(f"{name}-gain-1")
    before = [replace(run, arm=f"{run.arm}, gain 1") for run in plain]
    parts = []
    for arm in sorted({run.arm for run in after} & {run.arm for run in plain}):
        pair = (arm, f"{arm}, gain 1")
        runs = [run for run in [*after, *before] if run.arm in pair]
        summary = summarise_suite(runs, baseline=pair[1])
        said = [f"- {overall_line(each, summary.metric)}" for each in summary.aggregate.versus]
        parts += [write_table(results_table(summary)), "\n".join(said)]
    return "\n\n".join([*parts, ""])


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


def with_spread(found: dict[str, Any], name: str) -> str:
    """Write a median with the lowest and the highest."""
    low, high = found["spread"][name]
    median = f"{found[name]:.3g}"
    return median if low == high else f"{median} [{low:.3g}, {high:.3g}]"


FILLERS = {
    "members": fill_members,
    "ratios": fill_ratios,
    "arms": fill_arms,
    "suite": fill_suite,
    "costs": fill_costs,
    "tests": fill_tests,
    "labels": fill_labels,
    "methods": fill_methods,
    "gains": fill_gains,
    "published": fill_published,
    "explain": fill_explain,
}
"""From the kind of a table to what makes it."""


def main() -> int:
    """Rewrite the tables, or say whether they are as they should be."""
    stale = False
    pages = {page: TABLE.sub(fill, page.read_text(encoding="utf-8")) for page in PAGES}
    for page, fresh in (pages | suite_files()).items():
        stale = stale or not page.exists() or fresh != page.read_text(encoding="utf-8")
        if "--check" not in sys.argv:
            page.write_text(fresh, encoding="utf-8")
    return int(stale and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
