"""`rl-attention eval`: a trained run on fresh episodes."""

from pathlib import Path

import click

from rl_attention.cli.common import check_writable, json_option, write_numbers
from rl_attention.cli.errors import debug_option


@click.command("eval")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-n", "--n-episodes", type=click.IntRange(min=1), help="Episodes. [default: as in training]"
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed. [default: as in training]")
@click.option("--deterministic/--stochastic", default=None, help="Likeliest action, or a draw.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N, mps.")
@json_option
@debug_option
def command(
    folder: Path,
    n_episodes: int | None,
    seed: int | None,
    deterministic: bool | None,
    device: str | None,
    json_file: Path | None,
) -> None:
    """Evaluate the run in FOLDER. Nothing in it is unpickled."""
    check_writable(json_file)

    from rl_attention.experiment.config import RunConfig
    from rl_attention.experiment.evaluation import evaluate
    from rl_attention.experiment.loading import load_policy
    from rl_attention.experiment.overrides import merge
    from rl_attention.experiment.run_folder import RunFolder
    from rl_attention.experiment.validation import validate

    changes = {"n_episodes": n_episodes, "deterministic": deterministic}
    evaluation = {"eval": {key: value for key, value in changes.items() if value is not None}}
    top = {key: value for key, value in (("seed", seed), ("device", device)) if value is not None}
    trained = RunFolder(folder).read_config()
    config = validate(RunConfig, merge(trained.dump(), {**top, **evaluation}))
    loaded = load_policy(folder, device=config.device)
    try:
        result = evaluate(loaded.model, config, loaded.env)
    finally:
        loaded.env.close()
    numbers = {
        "env": config.env.id,
        "arm": config.name,
        "n_eval_episodes": len(result.returns),
        "success_rate": float(result.successes.mean()),
        "mean_reward": float(result.returns.mean()),
        "std_reward": float(result.returns.std()),
        "mean_ep_length": float(result.lengths.mean()),
    }
    click.echo(
        f"{numbers['env']}, {numbers['arm']}, {numbers['n_eval_episodes']} episodes: "
        f"success rate {numbers['success_rate']:.3f}, mean return {numbers['mean_reward']:.3f} "
        f"+/- {numbers['std_reward']:.3f}, mean length {numbers['mean_ep_length']:.1f}"
    )
    write_numbers(json_file, numbers)
