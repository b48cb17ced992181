"""Write the results tables of the README from the committed result files.

Usage: python docs/write_results.py [--check]
"""

import re
import sys
from pathlib import Path

from rl_attention.comparison import Comparison, compare, read_runs
from rl_attention.comparison.table import format_frames

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- results: (\S+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def render(comparison: Comparison) -> str:
    """Lay the comparison out as a Markdown table with the verdicts below it."""
    lines = [
        f"| arm | seeds | mean success | interquartile mean [95 %] | return | frames to 90 % | "
        f"P(> {comparison.baseline}) | parameters |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in comparison.rows:
        low, high = row.iqm_interval or (row.iqm, row.iqm)
        chance = row.probability_of_improvement
        cells = [
            f"`{row.arm}`",
            str(len(row.seeds)),
            f"{row.success_rate:.3f}",
            f"{row.iqm:.3f} [{low:.3f}, {high:.3f}]",
            f"{row.mean_reward:.3f}",
            format_frames(row),
            "-" if chance is None else f"{chance:.2f}",
            f"{row.parameters:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    verdicts = [
        f"- `{v.arm}` against `{v.baseline}`: {v.difference:+.3f} "
        f"[{v.interval.low:.3f}, {v.interval.high:.3f}], {v.verdict}"
        for v in comparison.versus
        if v.interval is not None
    ]
    return "\n".join([*lines, "", *verdicts, ""])


def fill(place: re.Match[str]) -> str:
    """Put the table of one task between its marks."""
    begin, task, end = place.groups()
    folders = sorted(path.parent for path in (RESULTS / task).glob("*/results.json"))
    return f"{begin}{render(compare(read_runs(folders), baseline='mlp'))}{end}"


def main() -> int:
    """Rewrite the tables, or say whether they are as they should be."""
    text = README.read_text(encoding="utf-8")
    fresh = TABLE.sub(fill, text)
    if "--check" in sys.argv:
        return int(fresh != text)
    README.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
