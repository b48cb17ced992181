"""`rl-attention explain`: what the decisions of a run depend on, and whether its maps say so."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rl_attention.cli.common import check_writable, json_option, write_numbers
from rl_attention.cli.errors import debug_option
from rl_attention.errors import UserError

if TYPE_CHECKING:
    from rl_attention.explain import Explanation

_HEADINGS = ("F [95 %]", "top", "compr.", "suff.", "flips", "against", "tau")
_WIDTH = 92


@click.command("explain")
@click.argument(
    "folders", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-n",
    "--episodes",
    "n_episodes",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Episodes of each run.",
)
@click.option(
    "--states",
    "n_states",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="States that are drawn among those of each run's episodes.",
)
@click.option(
    "--removal",
    metavar="mask|empty|resample",
    help="How an entity is taken out. [default: empty for cells and pixels, mask for entities]",
)
@click.option("--maps", metavar="LIST", help="Maps to compare, by commas. [default: all there are]")
@click.option(
    "--judge",
    metavar="MAP",
    default="attention",
    show_default=True,
    help="Map that the verdict is about.",
)
@click.option("--what-if", "edit", metavar="EDIT", help='Such as "remove ball red".')
@click.option(
    "--expect",
    "expected",
    metavar="WHAT",
    help="What you expect of --what-if: action=left, value:down, attention:key:up.",
)
@click.option("--deterministic/--stochastic", default=None, help="Likeliest action, or a draw.")
@click.option(
    "--temperature",
    type=float,
    help="Of the softmax over Q-values. [default: their spread over the actions]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--best", is_flag=True, help="The best checkpoint, not the last weights.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N, mps.")
@json_option
@debug_option
def command(
    folders: tuple[Path, ...],
    n_episodes: int,
    n_states: int,
    removal: str | None,
    maps: str | None,
    judge: str,
    edit: str | None,
    expected: str | None,
    deterministic: bool | None,
    temperature: float | None,
    seed: int,
    best: bool,
    device: str | None,
    json_file: Path | None,
) -> None:
    """Take entities out of the states that RUN comes to, and see which of them decide.

    Several RUNs are seeds of one arm on one task. Maps are scored by F: 0 is as good as a random
    order of entities, 1 as good as the order by effect. With --what-if the state of the game itself
    is edited, and your expectation confirmed or refuted.
    """
    check_writable(json_file)
    _check_what_if(folders, edit, expected)

    from rl_attention.experiment.explaining import ask_run, explain_runs
    from rl_attention.explain import ActingOptions, MeasuringOptions

    played: dict[str, Any] = {
        "n_episodes": n_episodes,
        "n_states": n_states,
        "deterministic": deterministic,
        "best": best,
        "device": device,
    }
    if edit is not None and expected is not None:
        answer = ask_run(folders[0], edit=edit, expected=expected, seed=seed, **played)
        click.echo(answer.text)
        write_numbers(json_file, answer.to_dict())
        return
    options = MeasuringOptions(
        maps=None if maps is None else [name.strip() for name in maps.split(",")],
        removal=removal,
        acting=ActingOptions(temperature=temperature).checked(),
        seed=seed,
    )
    found = explain_runs(folders, judged=judge, options=options, **played)
    _print(found)
    write_numbers(json_file, found.to_dict())


def _check_what_if(folders: tuple[Path, ...], edit: str | None, expected: str | None) -> None:
    if (edit is None) != (expected is None):
        raise UserError(
            "expected --what-if and --expect together: say what you expect before you look"
        )
    if edit is None or expected is None:
        return
    if len(folders) > 1:
        raise UserError(f"--what-if: expected one run, got {len(folders)}")
    _refuse_beside_what_if("removal", "maps", "judge", "temperature")

    from rl_attention.explain.expectation import parse_expectation

    parse_expectation(expected)


def _refuse_beside_what_if(*names: str) -> None:
    """Refuse options that are of maps alone, rather than take no notice of them."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UserError(f"--{name}: has no effect with --what-if; leave it out")


def _print(found: "Explanation") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.width = max(console.width, _WIDTH)  # a table that is cut tells nothing
    table = Table(
        title=_title(found), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("map", no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, scores in found.maps.items():
        means = (
            scores.hit,
            scores.comprehensiveness,
            scores.sufficiency,
            scores.flip,
            scores.violation,
            scores.tau,
        )
        cells = [str(scores.faithfulness), *(f"{part.mean:.2f}" for part in means)]
        # as text: rich would take an interval for markup
        table.add_row(Text(name), *map(Text, cells))
    console.print(table)
    console.print(
        f"top: share of states whose top entity matters most, by chance {found.chance:.2f}. "
        f"compr., suff.: what the chosen action loses without the top entities, and without all "
        f"others. flips: share where the action changes without the top one, by "
        f"chance {found.flip_random.mean:.2f}. against: share where it does not help the action.",
        highlight=False,
    )
    for name, changed in found.mechanisms.items():
        console.print(
            f"Weights {name}: actions move by {changed.distance}, flips {changed.flip}",
            highlight=False,
            markup=False,
        )
    for note in found.notes:
        console.print(f"Note: {note}", highlight=False, markup=False)
    if found.between_runs is not None:
        console.print(f"Attention of two seeds differs by {found.between_runs:.3f} nats (of 0.693)")
    if found.verdict is None:
        known = ", ".join(name for name in found.maps if name != "occlusion")
        console.print(f"\nNo such map to judge here; --judge takes one of {known}", highlight=False)
    else:
        console.print(f"\n{found.verdict.text}", highlight=False, markup=False)


def _title(found: "Explanation") -> str:
    runs = "1 run" if found.n_runs == 1 else f"{found.n_runs} runs"
    softmax = "" if found.temperature is None else f"; softmax at {found.temperature:.3g}"
    return (
        f"{found.n_states} states of {found.n_episodes} episodes, {runs}; "
        f"entities taken out by {found.removal}{softmax}"
    )
