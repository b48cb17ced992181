"""`rl-attention report`: finished runs as one page that others can cite."""

from pathlib import Path
from typing import Any

import click

from rl_attention.cli.common import write_numbers
from rl_attention.cli.errors import debug_option
from rl_attention.errors import UserError


@click.command("report")
@click.argument(
    "places", metavar="RUNS...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="Where the page goes.",
)
@click.option(
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write text and tables to this file.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the numbers to this file.",
)
@click.option(
    "--baseline", metavar="ARM", help="Arm to compare with. [default: mlp, or the last by name]"
)
@click.option(
    "--metric",
    type=click.Choice(["success_rate", "mean_reward"]),
    default="success_rate",
    show_default=True,
    help="What interquartile means and differences are of.",
)
@click.option("--title", help="Heading of the page. [default: Comparison of finished runs]")
@click.option(
    "--command",
    "reproduce",
    help="Command that reproduces the runs, shown as text. [default: the folders they are from]",
)
@debug_option
def command(
    places: tuple[Path, ...],
    output: Path,
    markdown_file: Path | None,
    json_file: Path | None,
    baseline: str | None,
    metric: Any,
    title: str | None,
    reproduce: str | None,
) -> None:
    """Write finished runs of several tasks and arms as one page, without training anything.

    RUNS are run folders, result files that were kept of runs, or folders that hold such anywhere
    below. Attention maps need the run folders.
    """
    for option, file in (("-o", output), ("--markdown", markdown_file), ("--json", json_file)):
        check_folder(option, file)

    from rl_attention.comparison import find_runs, read_runs
    from rl_attention.comparison.markdown import render_markdown
    from rl_attention.comparison.page import TITLE
    from rl_attention.comparison.report import render_report
    from rl_attention.comparison.suite import summarise_suite
    from rl_attention.sweep.records import with_defaults

    runs = [with_defaults(run) for run in read_runs(find_runs(places))]
    summary = summarise_suite(runs, baseline=baseline, metric=metric)
    listed = ", ".join(sorted({str(place) for place in places}))
    told = f"from the runs in {listed}" if reproduce is None else reproduce
    heading = title or TITLE
    page = render_report(summary, title=heading, command=told)
    if markdown_file is not None:
        write(markdown_file, render_markdown(summary, title=heading, command=told))
    write_numbers(json_file, {"title": heading, "command": told, **summary.to_dict()})
    write(output, page)
    click.echo(f"Wrote {output}")


def check_folder(option: str, file: Path | None) -> None:
    """Make sure before the work that there is a folder for a file.

    Args:
        option: What gave the file.
        file: Where it is to go, or None.

    Raises:
        UserError: There is no such folder.
    """
    if file is not None and not file.parent.is_dir():
        raise UserError(f"{option}: expected a file in an existing folder, got {file}")


def write(file: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Args:
        file: Where it goes.
        text: What goes there.

    Raises:
        UserError: The file cannot be written.
    """
    from rl_attention.files import write_text

    try:
        write_text(file, text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror})") from None
