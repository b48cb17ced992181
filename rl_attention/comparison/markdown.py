"""A report as Markdown: the same text and tables, without figures."""

import re

from rl_attention.comparison.page import TITLE, Section, lay_out
from rl_attention.comparison.suite import SuiteSummary
from rl_attention.comparison.tables import Table

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|&!~$@]")


def render_markdown(summary: SuiteSummary, *, title: str = TITLE, command: str = "") -> str:
    """Write a report as Markdown of GitHub's kind.

    Args:
        summary: What `summarise_suite` found.
        title: Heading.
        command: What reproduces the runs.
    """
    page = lay_out(summary, title=title, command=command, images=False)
    parts = [f"# {escape(page.title)}", *map(_section, page.sections)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Take the meaning from every character that has one in Markdown.

    Args:
        text: One line.
    """
    plain = _SPECIAL.sub(r"\\\g<0>", text)
    # nor may a bare address become a link
    return plain.replace("://", ":\\//").replace("www.", "www\\.")


def _section(section: Section) -> str:
    parts = [f"## {escape(section.title)}", *map(escape, section.paragraphs)]
    if section.lines:
        parts.append("\n".join(f"- {escape(line)}" for line in section.lines))
    parts += [write_table(table) for table in section.tables]
    if section.code:
        # indented, so that no fence can be closed from within
        parts.append("\n".join(f"    {line}" for line in section.code.splitlines()))
    return "\n\n".join(parts)


def write_table(table: Table) -> str:
    """Write one table, its caption above it.

    Args:
        table: The table.
    """
    lines = [table.columns, ("---",) * len(table.columns)]
    cells = [lines[0], *table.rows]
    written = [f"| {' | '.join(map(escape, row))} |" for row in cells]
    written.insert(1, f"| {' | '.join(lines[1])} |")
    return "\n".join([escape(table.caption), "", *written])
