"""The TensorBoard writer behind a Stable-Baselines3 logger."""

from typing import Any

from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat


def tensorboard_writer(logger: Logger) -> Any | None:
    """Return the `SummaryWriter` of a logger, or None if it does not write to TensorBoard.

    Writing to it directly puts each point at its own step; `Logger.record` would hold images back
    until the next dump and send them to formats that cannot take them.

    Args:
        logger: The logger of a model.
    """
    for output in logger.output_formats:
        if isinstance(output, TensorBoardOutputFormat):
            return output.writer
    return None
