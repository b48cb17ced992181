"""Write the results tables of the README and the docs from the committed result files.

Usage: python docs/write_results.py [--check]
"""

import re
import sys

from tables.explained import fill_explain
from tables.imitations import fill_labels, fill_methods
from tables.members import fill_members
from tables.records import ROOT
from tables.speed import fill_arms, fill_ratios
from tables.suites import (
    fill_costs,
    fill_gains,
    fill_published,
    fill_suite,
    fill_tests,
    suite_files,
)

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

TABLE = re.compile(rf"(<!-- ({'|'.join(FILLERS)}): (\S+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def fill(place: re.Match[str]) -> str:
    """Put the table of one task between its marks."""
    begin, kind, name, end = place.groups()
    return f"{begin}{FILLERS[kind](name)}{end}"


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
