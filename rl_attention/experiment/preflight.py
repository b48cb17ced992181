"""What can be refused before anything is started."""

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import check_env, check_teacher


def check_run(config: RunConfig) -> str:
    """Check what a config cannot know by itself: the environment, its backend, its bot, the device.

    Args:
        config: The run.

    Returns:
        One line: who steps the environments, and why.

    Raises:
        UserError: The run cannot be had on this machine.
    """
    line = check_env(config.env)
    if config.imitation is not None:
        check_teacher(config.env)
    _check_device(config.device)
    return line


def _check_device(device: str) -> None:
    import torch

    kind, _, index = device.partition(":")
    if kind == "cuda":
        there = torch.cuda.device_count()
        if int(index or 0) >= there:
            raise UserError(
                f"device: expected a device of this machine, got {device!r}, but torch sees "
                f"{there} CUDA devices; use cpu or auto"
            )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("device: expected a device of this machine, got 'mps'; use cpu or auto")
