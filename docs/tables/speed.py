"""What benchmarks measured side by side."""

import json
from typing import Any

from tables.records import RESULTS


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


def with_spread(found: dict[str, Any], name: str) -> str:
    """Write a median with the lowest and the highest."""
    low, high = found["spread"][name]
    median = f"{found[name]:.3g}"
    return median if low == high else f"{median} [{low:.3g}, {high:.3g}]"
