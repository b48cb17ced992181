import queue
import signal

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.callbacks.tensorboard import tensorboard_logger, tensorboard_writer


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_within_the_queue_of_the_writer_loses_no_event(tmp_path, monkeypatch, moment):
    logger = tensorboard_logger(tmp_path)
    put = queue.Queue.put

    def interrupted(self, *arguments, **named):
        if moment == "before":
            signal.raise_signal(signal.SIGINT)
        put(self, *arguments, **named)
        if moment == "after":
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(queue.Queue, "put", interrupted)
        logger.record("value", 1.0)
        with pytest.raises(KeyboardInterrupt):
            logger.dump(1)
    logger.close()

    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.value for event in events.Scalars("value")] == [1.0]


def test_the_writer_knows_its_folder(tmp_path):
    logger = tensorboard_logger(tmp_path)
    writer = tensorboard_writer(logger)
    writer.add_scalars("several", {"one": 1.0}, 1)  # asks for the folder
    writer.add_scalar("value", 2.0, 1)
    logger.close()
    assert (tmp_path / "several_one").is_dir()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.value for event in events.Scalars("value")] == [2.0]
