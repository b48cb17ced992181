"""A report as one HTML file that asks nothing of any network."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rl_attention.comparison.page import TITLE, lay_out
from rl_attention.comparison.suite import SuiteSummary


def render_report(summary: SuiteSummary, *, title: str = TITLE, command: str = "") -> str:
    """Write a report as HTML: no script, no address but its own, every text escaped.

    Args:
        summary: What `summarise_suite` found.
        title: Heading.
        command: What reproduces the runs, shown as text.

    Raises:
        UserError: A file of a run folder is damaged.
    """
    page = lay_out(summary, title=title, command=command)
    return _template().render(page=page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rl_attention.comparison", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2")
