"""`rl-attention replay`: episodes as one page that opens without a network."""

from pathlib import Path

import click

from rl_attention.cli.errors import debug_option
from rl_attention.errors import UserError

_file = click.Path(path_type=Path, dir_okay=False)


@click.command("replay")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=_file,
    default=Path("replay.html"),
    show_default=True,
    help="Where the page goes.",
)
@click.option(
    "-n",
    "--episodes",
    "n_episodes",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Episodes.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="Of the episodes. [default: the run's]"
)
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Another run on the same episodes, side by side.",
)
@click.option("--json", "json_file", type=_file, help="Also write the data to this file.")
@click.option("--gif", type=_file, help="Also write the episodes as a moving picture.")
@click.option("--png", type=_file, help="Also write one step as a picture.")
@click.option(
    "--step",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of --png.",
)
@click.option("--map", "map_name", metavar="MAP", help="Of --gif and --png. [default: the first]")
@click.option("--deterministic/--stochastic", default=None, help="Likeliest action, or a draw.")
@click.option("--best", is_flag=True, help="The best checkpoint, not the last weights.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N, mps.")
@debug_option
def command(
    folder: Path,
    output: Path,
    n_episodes: int,
    seed: int | None,
    beside: Path | None,
    json_file: Path | None,
    gif: Path | None,
    png: Path | None,
    step: int,
    map_name: str | None,
    deterministic: bool | None,
    best: bool,
    device: str | None,
) -> None:
    """Play episodes of RUN, and write what it attends to and decides as one HTML page.

    The page shows each step with its maps, what the agent would do without each entity, and how far
    each map can be trusted. It opens from the disk and asks nothing of any network.
    """
    for option, file in (("-o", output), ("--json", json_file), ("--gif", gif), ("--png", png)):
        if file is not None and not file.parent.is_dir():
            raise UserError(f"{option}: expected a file in an existing folder, got {file}")

    from rl_attention.experiment.replaying import replay_run
    from rl_attention.viewer.pictures import save_gif, save_png

    runs = [folder] if beside is None else [folder, beside]
    seed = _common_seed(folder) if seed is None and beside is not None else seed
    made = [
        replay_run(
            run,
            n_episodes=n_episodes,
            seed=seed,
            deterministic=deterministic,
            best=best,
            device=device,
        )
        for run in runs
    ]
    replay = made[0] if beside is None else made[0].beside(made[1])
    replay.save_html(output)
    if json_file is not None:
        replay.save_json(json_file)
    if gif is not None:
        save_gif(replay, gif, map=map_name)
    if png is not None:
        save_png(replay, png, step=step, map=map_name)
    verdict = replay.runs[0].verdict
    if verdict is not None:
        click.echo(verdict.text)
    click.echo(f"{output}: {len(replay.runs[0].steps)} steps")


def _common_seed(folder: Path) -> int:
    """Both runs play the episodes of the first one's evaluation."""
    from rl_attention.experiment.run_folder import RunFolder

    return RunFolder(folder).read_config().seed
