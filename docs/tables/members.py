"""The members of the attention family."""

import yaml

from rl_attention.comparison import Comparison, Row, Versus, compare, read_runs
from rl_attention.comparison.table import format_frames
from tables.records import RESULTS, ROOT

MEMBERS = ROOT / "configs" / "members.yaml"


def fill_members(env: str) -> str:
    """Make the table of the members on one environment, nothing where no run is there."""
    order = list(yaml.safe_load(MEMBERS.read_text(encoding="utf-8"))["arms"])
    folders = sorted(path.parent for path in (RESULTS / "members" / env).glob("*/results.json"))
    runs = sorted(read_runs(folders), key=lambda run: (order.index(run.arm), run.seed))
    return render_members(compare(runs, baseline="default"), read_speeds(env)) if runs else ""


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


def read_speeds(env: str) -> dict[str, float]:
    """Read the frames a second of short runs that had the machine for themselves."""
    folders = sorted(p.parent for p in (RESULTS / "members-speed" / env).glob("*/results.json"))
    return {run.arm: run.fps for run in read_runs(folders)} if folders else {}
