"""The TensorBoard writer behind a Stable-Baselines3 logger."""

from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter


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


class ResumedTensorBoard(TensorBoardOutputFormat):
    """Stable-Baselines3's way to TensorBoard, for a training that may go on from an earlier one.

    What a killed process wrote of later steps is taken back, so that every step is there once.

    Args:
        folder: Where the events go.
        step: The step after which training goes on.
    """

    def __init__(self, folder: Path, *, step: int = 0) -> None:
        self.writer = SummaryWriter(log_dir=str(folder), purge_step=step + 1 if step else 0)
        self._is_closed = False


def tensorboard_logger(folder: Path, *, step: int = 0) -> Logger:
    """Make a logger that writes to TensorBoard alone.

    Args:
        folder: Where the events go.
        step: The step after which training goes on.
    """
    return Logger(str(folder), [ResumedTensorBoard(folder, step=step)])
