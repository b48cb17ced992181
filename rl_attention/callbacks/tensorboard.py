"""The TensorBoard writer behind a Stable-Baselines3 logger."""

from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from rl_attention.signals_wait import signals_wait


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
    Ctrl-C waits for the event that is just being written.

    Args:
        folder: Where the events go.
        step: The step after which training goes on.
    """

    def __init__(self, folder: Path, *, step: int = 0) -> None:
        self.writer = SummaryWriter(log_dir=str(folder), purge_step=step + 1 if step else 0)
        files: Any = self.writer.file_writer
        files.event_writer = _WholeEvents(files.event_writer)
        self._is_closed = False


class _WholeEvents:
    """Hands each event to the writing thread whole; Ctrl-C halfway would let both wait for ever."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add_event(self, event: object) -> None:
        with signals_wait():
            self._writer.add_event(event)

    def flush(self) -> None:
        with signals_wait():
            self._writer.flush()

    def close(self) -> None:
        with signals_wait():
            self._writer.close()

    def get_logdir(self) -> str:
        return str(self._writer.get_logdir())


def tensorboard_logger(folder: Path, *, step: int = 0) -> Logger:
    """Make a logger that writes to TensorBoard alone.

    Args:
        folder: Where the events go.
        step: The step after which training goes on.
    """
    return Logger(str(folder), [ResumedTensorBoard(folder, step=step)])
