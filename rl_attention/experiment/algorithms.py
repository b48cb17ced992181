"""The algorithms that a config may name, in RL Zoo's spelling."""

from importlib import import_module

from stable_baselines3.common.base_class import BaseAlgorithm

from rl_attention.errors import UserError

ALGORITHMS: dict[str, tuple[str, str]] = {
    "ppo": ("stable_baselines3", "PPO"),
    "a2c": ("stable_baselines3", "A2C"),
    "dqn": ("stable_baselines3", "DQN"),
    "ppo_lstm": ("sb3_contrib", "RecurrentPPO"),
}
"""From the name of an algorithm to the package and the class."""

RECURRENT = ("ppo_lstm",)
"""Those whose policy has a memory of its own."""


def find_algorithm(name: str) -> type[BaseAlgorithm]:
    """Import an algorithm.

    Args:
        name: A key of `ALGORITHMS`.

    Raises:
        UserError: Its package is not installed.
    """
    package, title = ALGORITHMS[name]
    try:
        found: type[BaseAlgorithm] = getattr(import_module(package), title)
    except ImportError as error:
        raise UserError(
            f"algo: {name} needs the package {package.replace('_', '-')}, which cannot be imported "
            f"({error}); pip install 'rl-attention[contrib]'"
        ) from None
    return found
