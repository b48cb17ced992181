"""The `rl-attention` command."""

import importlib

import click

from rl_attention.cli.errors import OneLineGroup
from rl_attention.version import __version__

COMMANDS = {
    "train": "Train one arm with one seed.",
    "pretrain": "Imitate BabyAI's bot: behaviour cloning or DAgger.",
    "eval": "Evaluate a trained run on fresh episodes.",
    "explain": "Tell which entities decide, and whether a map says so.",
    "replay": "Write episodes with their maps as one HTML page.",
    "doctor": "Find what silently ruins a run, in a model or an environment.",
    "compare": "Train arms x seeds in parallel and print a table.",
    "sweep": "Run a grid of tasks, arms and seeds: here, on Ray or on Slurm.",
    "tune": "Search settings, every arm with the same budget.",
    "report": "Write finished runs as one page, with intervals and figures.",
    "tensorboard": "Open runs in TensorBoard.",
    "envs": "List environments and who can step them.",
    "config": "Print a whole resolved config.",
    "demo": "Attention against an MLP on a small task, a few minutes.",
}
"""From a subcommand to its line in the help; the module has the same name."""


class LazyGroup(OneLineGroup):
    """Loads a subcommand's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the subcommands in the order in which one needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a subcommand, or return None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rl_attention.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rl-attention")
def main() -> None:
    """Attention over entities for Stable-Baselines3: train, compare, look at the maps."""
