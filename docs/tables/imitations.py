"""What a suite of imitations came to."""

from collections.abc import Sequence

from rl_attention.comparison.results import RunResult
from tables.records import read_records
from tables.suites import hold_against


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
    """Hold DAgger against cloning, task by task and arm by arm, on the seeds that both have."""
    found = read_records(name)
    arms = sorted({run.arm.removesuffix("-dagger") for run in found if "-dagger" in run.arm})
    lines = []
    for task in sorted({run.task for run in found}):
        runs = [run for run in found if run.task == task]
        pairs = [(f"{arm}-dagger", f"{arm}-bc") for arm in arms]
        compared = [line for pair in pairs for line in hold_against(_of_both(runs, *pair), *pair)]
        lines += [f"{task}:", "", *compared, ""] if compared else []
    return "\n".join(lines)


def _of_both(runs: Sequence[RunResult], arm: str, other: str) -> list[RunResult]:
    """Keep the runs of one task that have a partner of the same seed in the other arm."""
    seeds = {name: {run.seed for run in runs if run.arm == name} for name in (arm, other)}
    return [run for run in runs if run.arm in seeds and run.seed in seeds[arm] & seeds[other]]
