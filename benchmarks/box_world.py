"""Steps a second of Box-World's vector environment on one core, random moves, resets included.

Usage: python -m benchmarks.box_world [--view VIEW] [--n-envs N] [--steps N]
"""

import time

import click
import numpy as np

from benchmarks.measure import format_table
from rl_attention_envs.box_world import BOX_WORLD_VIEWS, PRESETS, make_box_world_vec_env


def steps_per_second(env_id: str, *, view: str, n_envs: int, steps: int) -> float:
    """Step an environment at random and divide by the processor's seconds.

    Args:
        env_id: A Box-World.
        view: How it is shown.
        n_envs: Environments stepped together.
        steps: Steps of each.
    """
    env = make_box_world_vec_env(env_id, view=view, n_envs=n_envs)
    actions = np.random.default_rng(0).integers(4, size=(steps, n_envs))
    env.reset()
    began = time.process_time()
    for row in actions:
        env.step(row)
    return n_envs * steps / (time.process_time() - began)


@click.command()
@click.option("--view", type=click.Choice(list(BOX_WORLD_VIEWS)), default="entities")
@click.option("--n-envs", default=64, show_default=True, help="Environments stepped together.")
@click.option("--steps", default=3_000, show_default=True, help="Steps of each.")
def main(view: str, n_envs: int, steps: int) -> None:
    """Print a table of all presets."""
    rows = [["environment", "steps a second"]]
    rows += [
        [env_id, f"{steps_per_second(env_id, view=view, n_envs=n_envs, steps=steps):,.0f}"]
        for env_id in PRESETS
    ]
    click.echo(format_table(rows))


if __name__ == "__main__":
    main()
